import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, tryModelcars } from '../parts/cli.ts';
import { type HuggingFaceServer, huggingFaceServer } from '../parts/huggingfaceserver.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';

const lacking = await missing(huggingFaceServer);

const script = fileURLToPath(new URL('tinyllama.py', import.meta.url));

/** Two-letter words; a model with random weights can generate any of them. */
const words = [...'bcdfghjklmnpqrstvwz'].flatMap((letter) => [...'aeiou'].map((vowel) => letter + vowel));

describe.skipIf(lacking)("KServe's Hugging Face server", () => {
  let folder: string;
  let server: HuggingFaceServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-huggingface-'));
    server = await huggingFaceServer();
    const models = [];
    for (const [name, vocabulary] of Object.entries({ tiny: words, mute: [...'!?.,;:-'] })) {
      const env = { ...server.env, HF_HUB_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: '1' };
      await run(server.python, [script, join(folder, name), ...vocabulary], { env, cwd: folder });
      models.push({ name, framework: 'vllm', source: `file:${name}`, version: 'v1.0.0', base: 'embedded' });
    }
    const variants: [string, string, Record<string, unknown>][] = [
      ['chat', 'tokenizer_config.json', { chat_template: "{{ messages[0]['content'] }}" }],
      ['labels', 'config.json', { architectures: ['LlamaForSequenceClassification'] }],
    ];
    for (const [name, path, change] of variants) {
      await cp(join(folder, 'tiny'), join(folder, name), { recursive: true });
      const file = join(folder, name, path);
      await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...change }));
      models.push({ name, framework: 'vllm', source: `file:${name}`, version: 'v1.0.0', base: 'embedded' });
    }
    await writeFile(join(folder, 'models.yaml'), stringify({ models }));
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['build', '--verify', '--platform', 'linux/amd64'], { cwd: folder });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function smoke(name: string): Promise<SmokeResult[]> {
    const env = { ...server.env, HF_HUB_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: '1' };
    const words = ['smoke', name, '--local', '--server-command', server.command, '--json'];
    const { stdout } = await tryModelcars(words, { cwd: folder, env });
    return (JSON.parse(stdout) as { results: SmokeResult[] }).results;
  }

  test('returns a completion, from the unpacked image through /proc/<pid>/root, as a random user', async () => {
    const request = expect.stringContaining('a request made from');
    expect(await smoke('tiny')).toMatchObject([
      { model: 'tiny', mode: 'local', security: 'openshift', status: 'passed', request },
    ]);
  });

  test('answers a chat where the model has a chat template', async () => {
    const results = await smoke('chat');
    expect(results, JSON.stringify(results)).toMatchObject([{ model: 'chat', status: 'passed' }]);
  });

  test('a classifier is not asked for text: the framework to take is named', async () => {
    expect(await smoke('labels')).toMatchObject([
      {
        status: 'failed',
        diagnosis: {
          cause: expect.stringContaining('LlamaForSequenceClassification answers with labels'),
          fix: expect.stringContaining('`framework: huggingface`'),
        },
      },
    ]);
  });

  test('a completion without letters or digits fails the check', async () => {
    expect(await smoke('mute')).toMatchObject([
      {
        status: 'failed',
        diagnosis: { stage: 'answer', what: expect.stringContaining('no letter and no digit') },
      },
    ]);
  });
});
