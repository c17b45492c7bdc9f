import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchModelcars, modelcars } from '../parts/cli.ts';
import { docker, kindClusters, missingClusters } from './_cluster.ts';
import { catalog, clusterEnv } from './_smoke.ts';

describe.skipIf(missingClusters())('smoke interrupted', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-interrupt-'));
    const flags = ['--file', catalog, '--base', 'embedded', '--platform', 'linux/amd64'];
    await modelcars(['build', 'mlserver-sklearn', ...flags, '--output', 'layout'], { cwd: folder });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts a smoke test; `said` gives all of its output so far. */
  const start = (): { child: ChildProcess; said(): string; ended: Promise<number | null> } => {
    const args = ['smoke', 'mlserver-sklearn', '--file', catalog, '--output', 'layout'];
    const env = clusterEnv('v0.20.0');
    const child = launchModelcars(args, { cwd: folder, env, timeout: 900_000 });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    const ended = once(child, 'close').then(([code]) => code as number | null);
    return { child, said: () => text, ended };
  };

  type Started = ReturnType<typeof start>;
  const stages: [NodeJS.Signals, string, (run: Started) => Promise<boolean>][] = [
    ['SIGINT', 'the node starts', async () => (await docker('ps', '--quiet')) !== ''],
    ['SIGTERM', 'KServe starts', async ({ said }) => said().includes('waiting for the controller')],
    ['SIGINT', 'a model is served', async ({ said }) => /oci \w+: (pull|init|ready)/.test(said())],
  ];

  test.each(stages)('%s once %s: nothing stays', async (signal, _, reached) => {
    const smoking = start();
    const { child, said, ended } = smoking;
    await expect.poll(() => reached(smoking), { timeout: 600_000, interval: 250 }).toBe(true);
    child.kill(signal);
    expect(await ended, said()).not.toBe(0);
    expect(await kindClusters(), said()).toEqual([]);
    expect(await docker('ps', '--all', '--quiet'), said()).toBe('');
  });

  test('what SIGKILL leaves, the next run deletes', async () => {
    const killed = start();
    const isThere = async (): Promise<boolean> => (await kindClusters()).length > 0;
    await expect.poll(isThere, { timeout: 300_000, interval: 250 }).toBe(true);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(await isThere()).toBe(true);
    const next = start();
    await expect.poll(() => next.said(), { timeout: 60_000 }).toContain('was left behind');
    next.child.kill('SIGINT');
    await next.ended;
    expect(await kindClusters(), next.said()).toEqual([]);
    expect(await docker('ps', '--all', '--quiet'), next.said()).toBe('');
  });
});
