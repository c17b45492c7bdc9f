import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Programs } from '../../../tests/support/fake-programs.ts';
import { Kind } from './kind.ts';

let programs: Programs;
const dockerHost = process.env.DOCKER_HOST;
beforeEach(async () => {
  programs = await Programs.open();
  await programs.add(
    'kind',
    `case "$1 $2" in
  'create cluster') while [ $# -gt 0 ]; do [ "$1" = --config ] && cp "$2" config; shift; done; true ;;
  'get kubeconfig') echo 'server: https://0.0.0.0:41000' ;;
esac`,
  );
});
afterEach(async () => {
  if (dockerHost === undefined) delete process.env.DOCKER_HOST;
  else process.env.DOCKER_HOST = dockerHost;
  await programs[Symbol.asyncDispose]();
});

const made = (more: object = {}) => ({
  program: 'kind',
  name: 'smoke',
  signal: new AbortController().signal,
  say: () => undefined,
  ...more,
});

it('opens the API server of a remote engine, and puts its host into the kubeconfig', async () => {
  process.env.DOCKER_HOST = 'tcp://docker:2375';
  const kind = new Kind('kind', 'smoke', 'docker');
  await kind.create(made());
  const config = parse(await programs.read('config'));
  expect(config.networking.apiServerAddress).toBe('0.0.0.0');
  expect(config.kubeadmConfigPatches.join()).toContain('- docker\n');
  expect(await kind.kubeconfig()).toBe('server: https://docker:41000\n');
});

it("extends the user's configuration, and names one that cannot be read", async () => {
  process.env.DOCKER_HOST = 'tcp://docker:2375';
  const kind = new Kind('kind', 'smoke', 'docker');
  const own = join(programs.folder, 'own.yaml');
  await writeFile(own, 'networking: { apiServerPort: 6443 }\n');
  await kind.create(made({ config: own, apiPort: 16443 }));
  expect(parse(await programs.read('config')).networking).toEqual({
    apiServerAddress: '0.0.0.0',
    apiServerPort: 16443,
  });
  await expect(kind.create(made({ config: '/nonexistent.yaml' }))).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('read --kind-config /nonexistent.yaml: '),
  });
});

it.each([
  ['docker', 'unix:///var/run/docker.sock'],
  ['docker', 'tcp://127.0.0.1:2375'],
  // Podman does not know the variable.
  ['podman', 'tcp://docker:2375'],
] as const)('changes nothing for %s at %s', async (engine, host) => {
  process.env.DOCKER_HOST = host;
  const kind = new Kind('kind', 'smoke', engine);
  await kind.create(made());
  const [create = ''] = await programs.calls();
  expect(create).not.toContain('--config');
  expect(await kind.kubeconfig()).toBe('server: https://0.0.0.0:41000\n');
});
