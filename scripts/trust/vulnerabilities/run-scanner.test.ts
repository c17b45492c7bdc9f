import { afterEach, beforeEach, expect, it } from 'vitest';
import { Programs } from '../../../tests/support/fake-programs.ts';
import { failure } from '../../../tests/support/outcome.ts';
import { runScanner, scannerEnvironment } from './run-scanner.ts';

let programs: Programs;
beforeEach(async () => {
  programs = await Programs.open();
});
afterEach(async () => programs[Symbol.asyncDispose]());

const run = (signal = new AbortController().signal) =>
  runScanner({ program: 'grype', args: [], folder: programs.folder, signal });

it('passes on the variables of scanners and of the network, and no secret of others', () => {
  const passed = {
    PATH: '/bin',
    HOME: '/root',
    GRYPE_DB_CACHE_DIR: '/db',
    TRIVY_CACHE_DIR: '/trivy',
    https_proxy: 'http://proxy:3128',
    SSL_CERT_FILE: '/ca.pem',
  };
  const others = {
    HF_TOKEN: 'hf_secret',
    MODELCARS_REGISTRY_PASSWORD: 'secret',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret',
    SIGSTORE_ID_TOKEN: 'secret',
    COSIGN_PASSWORD: 'secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    MY_TRIVY_TOKEN: 'secret',
  };
  expect(scannerEnvironment({ ...passed, ...others })).toEqual(passed);
});

it('ends the program and its children when the run is stopped', async () => {
  await programs.add('grype', 'sleep 600 & echo $! > child; echo started >&2; wait');
  const controller = new AbortController();
  const ended = run(controller.signal);
  const child = await readUntilThere('child');
  controller.abort(new Error('stopped by the test'));
  await expect(ended).rejects.toThrow('stopped by the test');
  await expect.poll(() => isRunning(child), { timeout: 5000 }).toBe(false);
});

it('ends a program that writes without end', async () => {
  await programs.add('grype', 'exec head -c 200000000 /dev/zero');
  expect(await failure(run())).toMatchObject({
    code: 'scan',
    message: expect.stringContaining('over 128 MiB'),
  });
});

it('names a program that cannot run', async () => {
  process.env.PATH = programs.folder;
  expect(await failure(run())).toMatchObject({
    code: 'scan',
    next: 'check that `grype` runs on this machine',
  });
});

async function readUntilThere(name: string): Promise<number> {
  await expect.poll(() => programs.read(name).catch(() => ''), { timeout: 5000 }).toMatch(/^\d+\n$/);
  return Number(await programs.read(name));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
