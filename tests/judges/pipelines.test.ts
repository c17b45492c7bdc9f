import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { topicsSmoke } from '../../frameworks/huggingface/topics.ts';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, root, tryModelcars } from '../parts/cli.ts';
import { type HuggingFaceServer, huggingFaceServer } from '../parts/huggingfaceserver.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';

const lacking = await missing(huggingFaceServer);

const script = fileURLToPath(new URL('pipelines.py', import.meta.url));
const own = join(root, 'frameworks/huggingface');
const pipelines = [
  'BertForTokenClassification',
  'BertForMaskedLM',
  'BertModel',
  'T5ForConditionalGeneration',
];

describe.skipIf(lacking)("pipelines of KServe's Hugging Face server", () => {
  let folder: string;
  let server: HuggingFaceServer;
  let env: Record<string, string>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-pipelines-'));
    server = await huggingFaceServer();
    env = { ...server.env, HF_HUB_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: '1' };
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** Builds models, each from the folder of its name, and asks each one as `smoke --local` does. */
  async function smoke(names: readonly string[], more: object = {}): Promise<SmokeResult[]> {
    const models = names.map((name) => ({
      name: name.toLowerCase(),
      framework: 'huggingface',
      source: `file:${name}`,
      version: 'v1.0.0',
      base: 'embedded',
      ...more,
    }));
    await writeFile(join(folder, 'models.yaml'), stringify({ models }));
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['build', '--platform', 'linux/amd64'], { cwd: folder });
    // The argument without which the server does not know what BertModel is for; the framework's own comes first.
    const task = 'case $MODEL_NAME in bertmodel) set -- --task text_embedding;; esac; ';
    const command = `${task}${server.command} --backend huggingface "$@"`;
    const words = ['smoke', '--local', '--server-command', command, '--json'];
    const { stdout, stderr } = await tryModelcars(words, { cwd: folder, env });
    const { results = [] }: { results?: SmokeResult[] } = JSON.parse(stdout);
    expect(results, stderr).toHaveLength(names.length);
    return results;
  }

  test('the sample knows what sentences are about that it never saw, and a wrong answer fails', async () => {
    await cp(join(own, 'model'), join(folder, 'topics'), { recursive: true });
    expect(await smoke(['topics'])).toMatchObject([{ model: 'topics', status: 'passed' }]);
    const { inputs } = topicsSmoke.body as { inputs: object[] };
    const wrong = { inputs, expect: { classes: [0, 1, 2, 0, 1, 2] } };
    expect(await smoke(['topics'], { smoke: wrong })).toMatchObject([
      { status: 'failed', diagnosis: { stage: 'answer' } },
    ]);
  });

  test('train.py makes a model that knows the same', async () => {
    await cp(join(own, 'train.py'), join(folder, 'train.py'));
    await run(server.python, [join(folder, 'train.py')], { env, cwd: folder });
    const { inputs } = topicsSmoke.body as { inputs: { data: string[] }[] };
    const code =
      'import json, sys; from transformers import pipeline; ask = pipeline("text-classification", sys.argv[1]); ' +
      'print(json.dumps([ask.model.config.label2id[one["label"]] for one in ask(json.loads(sys.argv[2]))]))';
    const words = ['-c', code, join(folder, 'model'), JSON.stringify(inputs[0]?.data)];
    const given: unknown = JSON.parse(await run(server.python, words, { env, cwd: folder }));
    expect(given).toEqual(topicsSmoke.expect.classes);
  });

  test('each answers the request that is made of its task', async () => {
    await run(server.python, [script, folder], { env, cwd: folder });
    const results = await smoke(pipelines);
    expect(results.map(({ model, status, diagnosis }) => [model, status, diagnosis])).toEqual(
      pipelines.map((name) => [name.toLowerCase(), 'passed', undefined]),
    );
  });
});
