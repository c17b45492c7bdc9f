/**
 * How a push uses several cores: `npm run bench:cores [-- SIZE]`, after `npm run build`. Pushes a model from disk and
 * from a hub to a registry that only counts bytes, on one core and on two, with and without threads that hash, and
 * measures the CPU time of the main thread. docs/internals/performance.md has results.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBenchHub } from './hub.ts';
import { parseSize } from './options.ts';
import { modelcars } from './peers/modelcars.ts';
import { openStage } from './stage.ts';
import type { Job, Kind, Peer, Sample } from './types.ts';
import { hubFiles, works } from './works.ts';

const runs = 3;

/** A push on some of this machine's cores, by a program that takes the machine for one with `claimed` cores. */
interface Setting {
  kind: Kind;
  /** As `taskset --cpu-list` takes it. */
  cores: string;
  claimed: number;
}

interface Cost extends Pick<Sample, 'wall' | 'cpu' | 'peak'> {
  /** Seconds of CPU of the thread that runs JavaScript. */
  main: number;
}

const settings: Setting[] = (['push', 'hub'] as const).flatMap((kind) =>
  ['0', '0,1'].flatMap((cores) => [1, 16].map((claimed) => ({ kind, cores, claimed }))),
);

/** Loaded before the program: the number of cores that it sees, and its main thread's CPU time when it ends. */
function hook(claimed: number, file: string): string {
  const code = `
    import os from 'node:os';
    import { syncBuiltinESMExports } from 'node:module';
    import { writeFileSync } from 'node:fs';
    import { isMainThread } from 'node:worker_threads';
    if (isMainThread) {
      os.availableParallelism = () => ${claimed};
      syncBuiltinESMExports();
      process.on('exit', () => writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.threadCpuUsage())));
    }`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

function mainThreadFile({ folder }: Job): string {
  return join(folder, 'main-thread.json');
}

/** modelcars in a setting; `lock` runs as usual. */
function peerOf({ cores, claimed }: Setting): Peer {
  return {
    ...modelcars,
    async steps(job, kind) {
      const steps = await modelcars.steps(job, kind);
      return steps.map(({ program, args }) => ({
        program: 'taskset',
        args: ['--cpu-list', cores, program, '--import', hook(claimed, mainThreadFile(job)), ...args],
      }));
    },
  };
}

async function main([sizeText = '512MiB']: string[]): Promise<void> {
  const size = parseSize(sizeText);
  const work = works.find(({ name }) => name === 'files');
  if (work === undefined) throw new Error('bench: there is no work named files');
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-bench-cores-'));
  const costs = new Map<Setting, Cost[]>(settings.map((setting) => [setting, []]));
  const { signal } = new AbortController();
  try {
    const models = await work.make(folder, size);
    const [model] = models;
    if (model === undefined) throw new Error('bench: the work has no model');
    const bytes = 4 * size;
    const hub = await startBenchHub({
      models: { [`bench/${model.name}`]: { files: await hubFiles(model, work) } },
    });
    try {
      for (let run = 1; run <= runs; run++)
        for (const setting of settings) {
          const { kind, cores, claimed } = setting;
          await using stage = await openStage({
            peer: peerOf(setting),
            kind,
            models,
            hub: kind === 'hub' ? hub.url : undefined,
            registry: 'distribution',
            bytes,
            huge: true,
            signal,
          });
          await stage.prepare();
          const sample = await stage.run();
          const { user, system } = JSON.parse(await readFile(mainThreadFile(stage.job), 'utf8'));
          const cost = { ...sample, main: (user + system) / 1e6 };
          costs.get(setting)?.push(cost);
          console.error(
            `${run}/${runs} ${kind} cores ${cores} sees ${claimed}: ${cells(cost, bytes).join(' | ')}`,
          );
        }
    } finally {
      hub.stop();
    }
    console.log(table(costs, bytes));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function cells({ wall, cpu, main: own, peak }: Cost, bytes: number): string[] {
  const each = (seconds: number): string => ((seconds * 1e9) / bytes).toFixed(2);
  return [wall.toFixed(1), each(cpu), each(own), ((peak ?? Number.NaN) / 1e6).toFixed(0)];
}

function table(costs: Map<Setting, Cost[]>, bytes: number): string {
  const rows = [...costs].map(([{ kind, cores, claimed }, all]) => {
    const middle = (of: (cost: Cost) => number): number =>
      all.map(of).toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
    const cost = {
      wall: middle((one) => one.wall),
      cpu: middle((one) => one.cpu),
      main: middle((one) => one.main),
      peak: middle((one) => one.peak ?? Number.NaN),
    };
    const from = kind === 'hub' ? 'hub' : 'disk';
    const count = cores.split(',').length;
    return `| ${[from, count, claimed > 2 ? 'yes' : 'no', ...cells(cost, bytes)].join(' | ')} |`;
  });
  return [
    '| from | cores | threads | time, s | CPU, ns per byte | of it main thread | memory, MB |',
    '|---|---:|---|---:|---:|---:|---:|',
    ...rows,
  ].join('\n');
}

await main(process.argv.slice(2));
