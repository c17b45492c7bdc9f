import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, root, tryModelcars } from '../parts/cli.ts';
import { type PmmlServer, pmmlServer } from '../parts/pmmlserver.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';

const lacking = await missing(pmmlServer);
const own = join(root, 'frameworks/pmml');

describe.skipIf(lacking)("KServe's PMML server", () => {
  let folder: string;
  let server: PmmlServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-pmml-'));
    server = await pmmlServer();
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function smoke(source: string): Promise<SmokeResult[]> {
    const models = [{ name: 'iris', framework: 'pmml', version: 'v1.0.0', base: 'embedded', source }];
    await writeFile(join(folder, 'models.yaml'), stringify({ models }));
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['build', '--verify', '--platform', 'linux/amd64'], { cwd: folder });
    const words = ['smoke', '--local', '--server-command', server.command, '--json'];
    const { stdout } = await tryModelcars(words, { cwd: folder });
    return (JSON.parse(stdout) as { results: SmokeResult[] }).results;
  }

  test('train.py makes the shipped bytes', async () => {
    await cp(join(own, 'train.py'), join(folder, 'train.py'));
    await run(server.python, [join(folder, 'train.py')]);
    expect(await readFile(join(folder, 'model.pmml'))).toEqual(await readFile(join(own, 'model.pmml')));
  });

  test('predicts the classes of rows that the tree never saw', async () => {
    await cp(join(own, 'model.pmml'), join(folder, 'iris-2024.pmml'));
    expect(await smoke('file:iris-2024.pmml')).toMatchObject([{ model: 'iris', status: 'passed' }]);
  });

  test('numbers and categories: the request made from the schema is answered', async () => {
    const text = (await readFile(join(own, 'model.pmml'), 'utf8'))
      .replace(
        '<DataField name="sepal_width" optype="continuous" dataType="double"/>',
        '<DataField name="sepal_width" optype="categorical" dataType="string"><Value value="w &amp; n"/></DataField>',
      )
      .replace('<Node score="1">', '<Node score="2">');
    await writeFile(join(folder, 'table.pmml'), text);
    expect(await smoke('file:table.pmml')).toMatchObject([{ status: 'passed' }]);
  });
});
