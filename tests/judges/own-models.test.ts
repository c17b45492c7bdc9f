/** Requests that modelcars makes from what models say of themselves, answered by the real MLServer. */
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import lightgbm from '../../frameworks/lightgbm/framework.ts';
import sklearn from '../../frameworks/sklearn/framework.ts';
import xgboost from '../../frameworks/xgboost/framework.ts';
import { requestCause } from '../../scripts/kserve/diagnosis/model-causes.ts';
import { checkAnswer } from '../../scripts/kserve/smoke/check-answer.ts';
import { smokeRequests } from '../../scripts/kserve/smoke/request.ts';
import type { Framework, SmokeTest } from '../../scripts/model/types.ts';
import { type MlserverFramework, missingMlserver, mlserver, type Served, serve } from '../parts/mlserver.ts';
import { run } from '../parts/run.ts';
import { folderReader } from '../support/folder-reader.ts';

const missing = await missingMlserver();
const script = fileURLToPath(new URL('own-models.py', import.meta.url));

const frameworks: Record<MlserverFramework, Framework> = { sklearn, xgboost, lightgbm };

/** Each model with its framework, and what its request is made from. */
const models: [string, MlserverFramework, string][] = [
  ['ten', 'sklearn', 'the 10 columns that model.joblib takes'],
  ['ten-zlib', 'sklearn', 'the 10 columns that model.joblib takes'],
  ['ten-protocol-0', 'sklearn', 'the 10 columns that model.pkl takes'],
  ['table', 'sklearn', 'the 6 named columns that model.joblib takes'],
  ['selector', 'sklearn', 'the 5 named columns that model.joblib takes'],
  ['search', 'sklearn', 'the 2 named columns that model.joblib takes'],
  ['text', 'sklearn', 'the texts that model.joblib takes'],
  ['targets', 'sklearn', 'the 10 columns that model.joblib takes'],
  ['random', 'sklearn', 'the 10 columns that model.joblib takes'],
  ['boosted', 'sklearn', 'the 10 columns that model.joblib takes'],
  ['booster-alone', 'sklearn', 'the 10 columns that model.joblib takes'],
  ['xgboost-json', 'xgboost', 'the 10 columns that model.bst takes'],
  ['xgboost-ubj', 'xgboost', 'the 10 columns that model.bst takes'],
  ['xgboost-named', 'xgboost', 'the 2 named columns that model.bst takes'],
  ['xgboost-linear', 'xgboost', 'the 2 named columns that model.bst takes'],
  ['xgboost-binary', 'xgboost', 'the 10 columns that model.bst takes'],
  ['xgboost-scores', 'xgboost', 'the 10 columns that model.bst takes'],
  ['lightgbm-scores', 'lightgbm', 'the 10 columns that model.bst takes'],
  ['lightgbm-categories', 'lightgbm', 'the 2 columns that model.bst takes'],
];

async function ask(server: Served, smoke: SmokeTest): Promise<unknown> {
  const [request] = smokeRequests(smoke, 'own');
  const response = await fetch(`${server.url}${request?.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request?.body),
  });
  return await response.json();
}

describe.skipIf(missing)('models that are not ours, by MLServer', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-own-'));
    const { python } = await mlserver();
    await run(python, [script, folder]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('every model of the script is tried', async () => {
    const others = [1, 2, 3, 4, 5].map((protocol) => `ten-protocol-${protocol}`);
    expect((await readdir(folder)).sort()).toEqual([...models.map(([name]) => name), ...others].sort());
    const same = await sklearn.smokeFrom(await folderReader(join(folder, 'ten-protocol-0')));
    expect(same).toBeDefined();
    for (const other of others)
      expect(await sklearn.smokeFrom(await folderReader(join(folder, other)))).toEqual(same);
  });

  test.each(models)('%s answers the request made from it, and not the sample’s', async (name, kind, from) => {
    const framework = frameworks[kind];
    const own = join(folder, name);
    // As the image has them.
    for (const file of await readdir(own))
      await rename(join(own, file), join(own, framework.place?.(file) ?? file));
    const smoke = await framework.smokeFrom?.(await folderReader(own));
    expect(smoke?.from).toBe(from);
    if (smoke === undefined || framework.smoke === undefined) throw new Error('no request');
    await using server = await serve(own, kind, 'own');
    expect(checkAnswer(smoke.expect, await ask(server, smoke)), JSON.stringify(smoke.body)).toEqual({
      ok: true,
    });
    const other = checkAnswer(framework.smoke.expect, await ask(server, framework.smoke));
    expect(other.ok).toBe(false);
    if (!other.ok) expect(other.why).toMatch(requestCause.sign);
  });
});
