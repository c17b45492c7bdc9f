import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeRoom } from './cluster.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-cluster-'));
  file = join(folder, 'kubeconfig');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const kubeconfig = (...names: string[]) => JSON.stringify({ contexts: names.map((name) => ({ name })) });

it('deletes the kubeconfig of an earlier cluster', async () => {
  await makeRoom(file, 'kind-mine');
  await writeFile(file, kubeconfig('kind-mine'));
  await makeRoom(file, 'kind-mine');
  await expect(readFile(file)).rejects.toThrow('ENOENT');
});

it.each([
  ['other clusters', kubeconfig('kind-mine', 'prod')],
  ['another cluster', kubeconfig('kind-yours')],
  ['no kubeconfig', 'name: value\n'],
  ['no YAML', '{'],
])('leaves a file with %s alone', async (_, text) => {
  await writeFile(file, text);
  await expect(makeRoom(file, 'kind-mine')).rejects.toMatchObject({ code: 'usage' });
  expect(await readFile(file, 'utf8')).toBe(text);
});
