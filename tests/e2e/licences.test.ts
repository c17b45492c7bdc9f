/** `licenses:` in `defaults:` and the licence of a hub's model card: a contradiction stops lock, build and push. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { noise } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { tryInside } from '../parts/inside.ts';
import { safetensors } from '../support/model-files.ts';

const model = (licence: string) => ({
  files: {
    'README.md': `---\nlicense: ${licence}\n---\n# Model\n`,
    'config.json': '{"architectures": ["LlamaForCausalLM"]}',
    'tokenizer.json': '{}',
    'model.safetensors': safetensors(noise(1000, 3)),
  },
});

let hub: Hub;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-licences-'));
  hub = await startHub({
    models: { 'org/llama': model('llama3.2'), 'org/unknown': model('unknown'), 'org/mit': model('mit') },
  });
});
afterAll(async () => {
  await hub?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a catalog with these licences, and runs a command on it. */
async function run(
  args: string[],
  repository: string,
  defaults?: string,
  own?: string,
  allowLicenses?: string[],
) {
  await mkdir(folder, { recursive: true });
  const licences = (licenses?: string) => (licenses === undefined ? {} : { licenses });
  const entry = { name: 'llm', framework: 'vllm', source: `hf://org/${repository}`, ...licences(own) };
  const allowed = allowLicenses && { allowLicenses };
  const catalog = { ...allowed, defaults: { base: 'embedded', ...licences(defaults) }, models: [entry] };
  await writeFile(join(folder, 'models.yaml'), stringify(catalog));
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'hf'), HF_TOKEN: undefined };
  return await tryInside(args, { cwd: folder, env });
}

const contradiction =
  'check the licence of llm: `defaults:` say Apache-2.0, the model card of hf://org/llama says LicenseRef-llama3.2';

test('lock refuses a default licence that the model card contradicts, with the correction', async () => {
  const { code, stderr } = await run(['lock'], 'llama', 'Apache-2.0');
  expect(code).toBe(1);
  expect(stderr).toContain(contradiction);
  expect(stderr).toContain('next: set `licenses: LicenseRef-llama3.2` for this model');
  expect(stderr).toContain('models.lock.yaml: not written');
});

test('a licence set on the model wins, and a model card without one contradicts nothing', async () => {
  expect(await run(['lock'], 'llama', 'Apache-2.0', 'Apache-2.0')).toMatchObject({ code: 0 });
  expect(await run(['lock'], 'unknown', 'Apache-2.0')).toMatchObject({ code: 0 });
});

test('build and push refuse it too, even if the default was set after the lock', async () => {
  expect(await run(['lock'], 'llama')).toMatchObject({ code: 0 });
  for (const args of [['build'], ['push', '--registry', 'localhost:1/me', '--dry-run']]) {
    const { code, stderr } = await run([...args, '--frozen'], 'llama', 'Apache-2.0');
    expect([args, code, stderr]).toEqual([args, 1, expect.stringContaining(contradiction)]);
  }
});

test.each([
  ['mit', undefined, ['Apache-2.0', 'MIT']],
  ['llama', undefined, ['LicenseRef-llama3.2']],
  ['unknown', 'MIT AND Apache-2.0', ['Apache-2.0', 'MIT']],
  ['unknown', 'GPL-2.0-only OR MIT', ['MIT']],
  ['unknown', 'GPL-2.0-only WITH Classpath-exception-2.0', ['GPL-2.0-only WITH Classpath-exception-2.0']],
])('allowLicenses lets %s with licenses: %s pass %j', async (repository, own, allowed) => {
  const { code, stderr } = await run(['lock', '--dry-run'], repository, undefined, own, allowed);
  expect(code, stderr).toBe(0);
});

test.each([
  ['mit', undefined, ['Apache-2.0'], 'it has MIT, and `allowLicenses` allows only Apache-2.0'],
  ['llama', undefined, ['MIT'], 'it has LicenseRef-llama3.2, and `allowLicenses` allows only MIT'],
  ['unknown', undefined, ['MIT'], 'hf://org/unknown names no licence, and `allowLicenses` allows only MIT'],
  ['unknown', 'MIT AND GPL-2.0-only', ['MIT'], 'it has MIT AND GPL-2.0-only'],
  ['unknown', 'GPL-2.0-only', ['GPL-2.0-only WITH Classpath-exception-2.0'], 'it has GPL-2.0-only'],
  ['unknown', 'not a licence', ['MIT'], 'it has not a licence'],
])('allowLicenses refuses %s with licenses: %s of %j', async (repository, own, allowed, problem) => {
  const { code, stderr } = await run(['lock', '--dry-run'], repository, undefined, own, allowed);
  expect(code).toBe(1);
  expect(stderr).toContain(`check the licence of llm: ${problem}`);
  expect(stderr).toMatch(/next: (leave the model out, or add|find out its licence and set it)/);
});

test('build and push obey allowLicenses, and list shows the licence', async () => {
  expect(await run(['lock'], 'mit')).toMatchObject({ code: 0 });
  expect((await run(['list'], 'mit')).stdout).toMatch(/LICENCE .*\n.* MIT /);
  for (const args of [['build'], ['push', '--registry', 'localhost:1/me', '--dry-run']]) {
    const { code, stderr } = await run([...args, '--frozen'], 'mit', undefined, undefined, ['Apache-2.0']);
    expect([args, code, stderr]).toEqual([args, 1, expect.stringContaining('it has MIT, and')]);
  }
});
