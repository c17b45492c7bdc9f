import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchModelcars, modelcars } from '../parts/cli.ts';
import { docker, kindClusters, kubectl, missingClusters } from './_cluster.ts';
import { catalog, clusterEnv } from './_smoke.ts';

interface Started {
  child: ChildProcess;
  /** All of its output so far. */
  said(): string;
  ended: Promise<number | null>;
}

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

  const started: Started[] = [];
  afterEach(async () => {
    for (const { child, ended } of started.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
      await ended;
    }
  });

  /** Starts a smoke test. */
  const start = (): Started => {
    const args = ['smoke', 'mlserver-sklearn', '--file', catalog, '--layout', 'layout'];
    const env = clusterEnv('v0.20.0');
    const child = launchModelcars(args, { cwd: folder, env, timeout: 900_000 });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const run: Started = { child, said: () => text, ended };
    started.push(run);
    return run;
  };
  /** Whether the cluster has such objects; false without a cluster. */
  const has = async (...what: string[]): Promise<boolean> => {
    const names = await kubectl('modelcars-smoke', 'get', ...what, '-o', 'name').catch(() => '');
    return names !== '';
  };

  const stages: [NodeJS.Signals, string, () => Promise<boolean>][] = [
    ['SIGINT', 'the node starts', async () => (await docker('ps', '--quiet')) !== ''],
    ['SIGTERM', 'KServe starts', () => has('deployments', '--namespace', 'kserve')],
    ['SIGINT', 'a model is served', () => has('inferenceservices', '--all-namespaces')],
  ];

  test.each(stages)('%s once %s: nothing is left behind', async (signal, _, reached) => {
    const { child, said, ended } = start();
    const isOver = () => child.exitCode !== null || child.signalCode !== null;
    const stage = async () => isOver() || (await reached());
    await expect.poll(stage, { timeout: 600_000, interval: 250 }).toBe(true);
    expect(isOver(), said()).toBe(false);
    child.kill(signal);
    expect(await ended, said()).not.toBe(0);
    expect(await kindClusters(), said()).toEqual([]);
    expect(await docker('ps', '--all', '--quiet'), said()).toBe('');
  });

  test('the next run deletes what a killed run left', async () => {
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
