import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from '../../store/file-lock.ts';
import { type OwnClusterOptions, openOwnCluster } from './own-cluster.ts';

let folder: string;
let said: string[];
const path = process.env.PATH;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-own-'));
  said = [];
  const program = async (name: string, text: string) => {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}`);
    await chmod(join(folder, name), 0o755);
  };
  // A kind program that keeps its clusters in a file, and whose `create` takes as long as a file specifies.
  await program(
    'kind',
    `cd "${folder}"; echo "$@" >> calls; touch clusters
case "$1 $2" in
  'get clusters') cat clusters ;;
  'create cluster') [ -e slow ] && slow=1; echo smoke >> clusters; echo ' * Preparing nodes' >&2; [ "$slow" ] && sleep 30; cat broken >&2 2>/dev/null && exit 1; exit 0 ;;
  'delete cluster') : > clusters; rm late 2>/dev/null && { sleep 0.3; echo smoke >> clusters; } >/dev/null 2>&1 & ;;
  'get kubeconfig') echo 'no kubeconfig' >&2; exit 1 ;;
esac`,
  );
  await program('docker', 'exit 0');
  process.env.PATH = `${folder}:${path}`;
});
afterEach(async () => {
  process.env.PATH = path;
  await rm(folder, { recursive: true, force: true });
});

const options = (more: Partial<OwnClusterOptions> = {}): OwnClusterOptions => ({
  program: 'kind',
  name: 'smoke',
  manifests: [],
  images: [],
  cacheImages: false,
  keep: false,
  folder: join(folder, 'memory'),
  signal: new AbortController().signal,
  say: (line) => said.push(line),
  warn: (line) => said.push(`warning: ${line}`),
  ...more,
});
const calls = async () =>
  (await readFile(join(folder, 'calls'), 'utf8'))
    .split('\n')
    .map((line) => line.split(' ').slice(0, 2).join(' '));
const clusters = () => readFile(join(folder, 'clusters'), 'utf8');

describe('openOwnCluster', () => {
  it('deletes the cluster when a later step fails', async () => {
    await expect(openOwnCluster(options())).rejects.toThrow('run kind get');
    expect(await clusters()).toBe('');
    expect(await calls()).toContain('delete cluster');
    expect(said).toContain('Preparing nodes');
  });

  it('deletes the leftovers of a failed kind, and prints its output', async () => {
    await writeFile(join(folder, 'broken'), 'ERROR: failed to pull the node image\n');
    await expect(openOwnCluster(options())).rejects.toMatchObject({
      code: 'cluster',
      message: expect.stringContaining('failed to pull the node image'),
    });
    expect(await clusters()).toBe('');
  });

  it('deletes the cluster on abort, without waiting for kind', async () => {
    await writeFile(join(folder, 'slow'), '');
    const controller = new AbortController();
    const opened = openOwnCluster(options({ signal: controller.signal }));
    opened.catch(() => undefined);
    for (let tries = 0; tries < 100 && !said.includes('Preparing nodes'); tries++) await sleep(50);
    const start = Date.now();
    controller.abort();
    await expect(opened).rejects.toThrow();
    expect(Date.now() - start).toBeLessThan(10_000);
    expect(await clusters()).toBe('');
  });

  it('deletes the leftovers of a killed run before it creates its own cluster', async () => {
    await mkdir(join(folder, 'memory'));
    await writeFile(join(folder, 'memory', 'smoke.json'), '{"wish": "x", "ready": false}');
    await writeFile(join(folder, 'clusters'), 'smoke\n');
    await expect(openOwnCluster(options())).rejects.toThrow();
    const order = await calls();
    expect(order.indexOf('delete cluster')).toBeLessThan(order.indexOf('create cluster'));
    expect(said[0]).toContain('left behind');
  });

  it('deletes a container again that the engine was still creating', async () => {
    await writeFile(join(folder, 'late'), '');
    await expect(openOwnCluster(options())).rejects.toThrow('run kind get');
    expect((await calls()).filter((call) => call === 'delete cluster').length).toBeGreaterThan(2);
    expect(await clusters()).toBe('');
  });

  it('kills the `kind create` of a killed run, which would recreate the cluster', async () => {
    await writeFile(join(folder, 'slow'), '');
    const orphan = spawn(join(folder, 'kind'), ['create', 'cluster', '--name', 'smoke', '--wait', '1s'], {
      detached: true,
      stdio: 'ignore',
    });
    const gone = new Promise<void>((resolve) => orphan.once('exit', () => resolve()));
    for (let tries = 0; tries < 100 && !(await clusters().catch(() => '')); tries++) await sleep(50);
    await rm(join(folder, 'slow'));
    await mkdir(join(folder, 'memory'));
    const memory = { wish: 'x', ready: false, group: orphan.pid };
    await writeFile(join(folder, 'memory', 'smoke.json'), JSON.stringify(memory));
    await expect(openOwnCluster(options())).rejects.toThrow();
    await gone;
    expect(orphan.signalCode).toBe('SIGKILL');
  });

  it('refuses a cluster that it did not create, and leaves it alone', async () => {
    await writeFile(join(folder, 'clusters'), 'smoke\n');
    await expect(openOwnCluster(options())).rejects.toMatchObject({
      message: expect.stringContaining('did not create'),
      next: expect.stringContaining('--context kind-smoke'),
    });
    expect(await clusters()).toBe('smoke\n');
    expect(await calls()).not.toContain('delete cluster');
  });

  it('refuses a cluster that another run is using, and leaves it alone', async () => {
    await mkdir(join(folder, 'memory'));
    const held = await tryLock(join(folder, 'memory', 'smoke.json'));
    await expect(openOwnCluster(options())).rejects.toThrow('another smoke test is using it');
    await held?.release();
  });

  it('takes the lock of a run that was killed a moment ago', async () => {
    const memory = join(folder, 'memory', 'smoke.json');
    const killed = spawn('true', { stdio: 'ignore' });
    await once(killed, 'exit');
    // The lock library's leftovers, with the owner's id.
    await mkdir(`${memory}.lock`, { recursive: true });
    await writeFile(`${memory}.owner`, `${killed.pid} ${hostname()}`);
    await writeFile(memory, JSON.stringify({ wish: 'x', ready: false }));
    await writeFile(join(folder, 'clusters'), 'smoke\n');
    await expect(openOwnCluster(options())).rejects.not.toThrow('another smoke test');
    expect(said[0]).toContain('left behind');
  });

  it('reports the engines it tried when none responds', async () => {
    await writeFile(join(folder, 'docker'), '#!/bin/sh\necho cannot connect >&2; exit 1\n');
    await writeFile(join(folder, 'podman'), '#!/bin/sh\nexit 125\n', { mode: 0o755 });
    await expect(openOwnCluster(options())).rejects.toMatchObject({
      message: expect.stringContaining('docker: cannot connect'),
      next: expect.stringContaining('--local'),
    });
  });
});
