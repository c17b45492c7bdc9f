import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import sklearn from '../../../frameworks/sklearn/framework.ts';
import tensorflow from '../../../frameworks/tensorflow/framework.ts';
import vllm from '../../../frameworks/vllm/framework.ts';
import { serverContainer } from './container/server-container.ts';
import { failed, readyPaths } from './serve.ts';
import { launcherFor } from './server/launcher.ts';
import { pythonEnvironment } from './server/python.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** An interpreter whose pip prints this on stderr and fails. */
function interpreter(complaint: string): string {
  const path = join(folder, 'python');
  const install = `echo "${complaint}" >&2; exit 1`;
  writeFileSync(
    path,
    `#!/bin/sh\ncase "$*" in\n*" venv "*) for at; do :; done; mkdir -p "$at/bin"; cp "$0" "$at/bin/python";;\n"-m pip install"*) ${install};;\nesac\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

async function install(complaint: string): Promise<unknown> {
  const requirements = join(folder, 'pins');
  writeFileSync(requirements, '# pins\na==1\nb==2\n');
  const cache = join(folder, 'cache');
  const said: string[] = [];
  const settings = { name: 'server', requirements, interpreters: [interpreter(complaint)] };
  const error: unknown = await pythonEnvironment(settings, { cache, say: (line) => said.push(line) }).catch(
    (caught: unknown) => caught,
  );
  expect(said).toEqual(['installing server: 2 Python packages, once']);
  expect(readdirSync(cache)).toEqual([]);
  return error;
}

it('reports an unreachable package index and the next step, and leaves no partial environment', async () => {
  const error = await install('NewConnectionError: Temporary failure in name resolution');
  expect(error).toMatchObject({
    code: 'network',
    message: 'install server: the package index cannot be reached',
    next: expect.stringMatching(/PIP_INDEX_URL.*--server-image/),
  });
});

it("reports pip's last error", async () => {
  expect(await install('ERROR: No matching distribution found for b==2')).toMatchObject({
    message: 'install server: No matching distribution found for b==2',
  });
});

it('names the Python to install', async () => {
  mkdirSync(join(folder, 'cache'));
  const requirements = join(folder, 'pins');
  const settings = { name: 'server', requirements, interpreters: ['python0.1'] };
  await expect(pythonEnvironment(settings, { cache: folder })).rejects.toMatchObject({
    next: expect.stringContaining('python0.1'),
  });
});

it('skips vLLM without a server, and accepts a command', async () => {
  expect(await launcherFor(vllm, undefined, { cache: folder })).toEqual({
    reason: expect.stringMatching(/kserve-huggingfaceserver.*--server-image.*--server-command/),
  });
  vi.stubEnv('PATH', '/usr/bin');
  const launcher = await launcherFor(vllm, 'vllm serve "$MODEL_DIR"', { cache: folder });
  if ('reason' in launcher) throw new Error(launcher.reason);
  expect(launcher.command({ models: '/m', name: 'granite', ports: [1, 2, 3] })).toMatchObject({
    argv: ['/bin/sh', '-c', 'vllm serve "$MODEL_DIR"'],
    env: { MODEL_DIR: '/m', MODEL_NAME: 'granite', PORT: '1', PATH: '/usr/bin' },
  });
});

it("polls readiness at the paths of the framework's requests", () => {
  expect(readyPaths(sklearn.smoke, 'iris')).toEqual(['/v2/models/iris/ready']);
  const chat = ['/openai/v1/chat/completions', '/v1/chat/completions'];
  const smoke = { path: chat, body: {}, expect: { read: 'text' as const } };
  expect(readyPaths(tensorflow.smoke, 'iris')).toEqual(['/v1/models/iris']);
  expect(readyPaths(smoke, 'granite')).toEqual(['/v2/models/granite/ready', '/v1/models']);
});

it.each([
  'nsenter: failed to execute sh: No such file or directory',
  'Error: runc: runc create failed: unable to start container process: exec: "sh": executable file not found in $PATH: OCI runtime attempted',
  'Error: crun: executable file `sh` not found in $PATH: No such file or directory: OCI runtime attempted',
])('recognizes an image without a shell: %s', (line) => {
  expect(failed('init', 'modelcar-init', { code: 127, lines: [line] }).diagnosis).toMatchObject({
    stage: 'init',
    what: 'exec: "sh": executable file not found in $PATH',
    cause: expect.stringContaining('no shell'),
  });
});

it('distinguishes an unreadable folder from an empty one', () => {
  const invalid = 'NOK ... Prefetched but modelcar is invalid (/models does not exist or is empty)';
  const cause = (lines: string[]) => failed('init', 'modelcar-init', { code: 1, lines }).diagnosis?.cause;
  expect(cause([invalid])).toContain('nothing below /models');
  expect(cause(["ls: can't open '/models': Permission denied", invalid])).toContain('cannot read /models');
});

it('starts a server image as KServe does', () => {
  const model = { name: 'iris' } as Parameters<typeof serverContainer>[0];
  expect(serverContainer(model, sklearn, 'mlserver')).toMatchObject({
    command: [],
    env: {
      MLSERVER_MODEL_IMPLEMENTATION: 'mlserver_sklearn.SKLearnModel',
      MLSERVER_MODEL_NAME: 'iris',
      MLSERVER_MODEL_URI: '/mnt/models',
      MLSERVER_HTTP_PORT: '8080',
    },
  });
  const serving = { args: ['--dtype=half'], env: { A: '1' }, imagePullSecrets: [] };
  expect(serverContainer({ ...model, serving }, vllm, 'v')).toMatchObject({
    args: ['--model_name=iris', '--dtype=half'],
    env: { A: '1' },
  });
});
