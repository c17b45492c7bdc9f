/**
 * How long the program takes to start: `npm run bench:start`. Compares the built package (after `npm run build`) and the
 * sources with an empty Node script, as ratios of medians of interleaved runs.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import xgboost from '../frameworks/xgboost/framework.ts';
import { readLock } from '../scripts/catalog/lockfile.ts';
import { formatLock } from '../scripts/catalog/write-lock.ts';
import { layerKey } from '../scripts/image/layer.ts';
import { planLayers } from '../scripts/image/plan.ts';
import type { Lock, LockedModel } from '../scripts/model/types.ts';
import { packageFile } from '../scripts/package.ts';

const runs = 15;
const many = 5000;

interface Run {
  title: string;
  args: string[];
  cwd: string;
  /** Most that it should take, in words and as a check of the medians in seconds. */
  target?: { text: string; holds(seconds: number, empty: number): boolean };
}

/** A catalog of hub models in a folder of its own, locked with their layers. */
async function writeManyModels(folder: string): Promise<void> {
  const entry = (name: string) => `  - {name: ${name}, framework: xgboost, source: "hf://org/${name}"}\n`;
  const hex = (text: string, length: number) => Buffer.from(text).toString('hex').padEnd(length, '0');
  const { include, exclude } = xgboost;
  const locked = (name: string): LockedModel => {
    const files = [{ path: 'model.bst', size: 20_000, sha256: hex(name, 64) }];
    const layers = planLayers(files).map((plan) => ({
      files: plan.files.map(({ path }) => path),
      digest: `sha256:${hex(name, 64)}`,
      size: plan.size,
      key: layerKey(plan, { mtime: 0, compression: 'none' }),
    }));
    const source = `hf://org/${name}`;
    return { framework: 'xgboost', source, revision: hex(name, 40), include, exclude, files, layers };
  };
  const names = Array.from({ length: many }, (_, at) => `model-${at}`);
  const { embedded = {} } = (await readLock(packageFile('models.lock.yaml')))?.bases ?? {};
  const lock: Lock = {
    lockVersion: 1,
    bases: { embedded },
    models: Object.fromEntries(names.map((name) => [name, locked(name)])),
  };
  const head = 'version: v1.0.0\ndefaults: {base: embedded}\nmodels:\n';
  writeFileSync(join(folder, 'models.yaml'), head + names.map(entry).join(''));
  writeFileSync(join(folder, 'models.lock.yaml'), formatLock(lock));
}

/** Seconds of one run; fails when the program does. */
function time({ args, cwd }: Run, store: string): number {
  const start = performance.now();
  const env = { ...process.env, MODELCARS_STORE: store };
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, env, maxBuffer: 64 * 1024 ** 2 });
  if (status !== 0) throw new Error(`${args.join(' ')}: exit code ${status}`);
  if (/ stale$/m.test(String(stdout))) throw new Error(`${args.join(' ')}: the lock is stale`);
  return (performance.now() - start) / 1000;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'modelcars-bench-start-'));
  try {
    const models = join(folder, 'many');
    mkdirSync(models);
    await writeManyModels(models);
    const [built, sources] = ['dist/modelcars.js', 'scripts/modelcars.ts'].map(packageFile) as [
      string,
      string,
    ];
    const shipped = packageFile('');
    const atMost = (limit: number) => ({
      text: `at most ${limit} s`,
      holds: (seconds: number) => seconds <= limit,
    });
    const all: Run[] = [
      { title: 'node -e 0', args: ['-e', '0'], cwd: folder },
      {
        title: 'version',
        args: [built, 'version'],
        cwd: folder,
        target: { text: 'at most 2.5×', holds: (seconds, empty) => seconds <= 2.5 * empty },
      },
      { title: 'list, three models', args: [built, 'list'], cwd: shipped, target: atMost(0.2) },
      { title: `list, ${many} models`, args: [built, 'list'], cwd: models, target: atMost(1.5) },
      { title: 'list, three models, from sources', args: [sources, 'list'], cwd: shipped },
    ];
    const store = join(folder, 'store');
    // The first runs fill the compile cache.
    for (const run of all) time(run, store);
    const times = new Map(all.map((run): [Run, number[]] => [run, []]));
    for (let count = 0; count < runs; count++) for (const run of all) times.get(run)?.push(time(run, store));
    const empty = median([...times.values()][0] ?? []);
    console.log(
      `Medians of ${runs} interleaved runs.\n\n| command | time | ratio | target | met |\n|---|---:|---:|---|---|`,
    );
    for (const [{ title, target }, values] of times) {
      const seconds = median(values);
      const met = target === undefined ? '' : target.holds(seconds, empty) ? 'yes' : '**no**';
      console.log(
        `| ${title} | ${seconds.toFixed(3)} s | ${(seconds / empty).toFixed(1)}× | ${target?.text ?? ''} | ${met} |`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
