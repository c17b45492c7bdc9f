/** Runs the work `coldstart`: every way once, then every way again in reverse order, on one cluster. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { kubernetesVersion } from '../../tests/parts/kube/programs.ts';
import { diskFolder } from '../disk.ts';
import { machine } from '../machine.ts';
import type { Result, Row } from '../results.ts';
import { type RunWork, reasonIn } from '../runner.ts';
import type { Input } from '../stage.ts';
import { findTool } from '../tools.ts';
import type { Sample } from '../types.ts';
import { type BenchCluster, openCluster } from './cluster.ts';
import { missingTarFilters } from './images.ts';
import { kserveVersion } from './objects.ts';
import { type PassOptions, runPass, warmUp } from './pass.ts';
import { openSources } from './sources.ts';
import { fetchScheme, type Table, type TableName, tables, type Way } from './ways.ts';

export interface RunColdstart extends RunWork {
  ways: Way[];
}

/** A way that runs, with its samples of all tables. */
interface Runner {
  way: Way;
  versions: Record<string, string>;
  samples: Partial<Record<TableName, Sample>>[];
  error?: string;
  leftOut?: string;
}

/** Makes the files and a cluster, runs every way `runs` times, and removes everything. One result for each table. */
export async function runColdstart(options: RunColdstart): Promise<Result[]> {
  const { work, size, runs, tell, signal } = options;
  await using owned = new AsyncDisposableStack();
  const root = await mkdtemp(join(await diskFolder(), 'modelcars-coldstart-'));
  owned.defer(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const runners = await Promise.all(options.ways.map(prepare));
  for (const { way, leftOut } of runners)
    if (leftOut !== undefined) tell(`${work.name}: ${way.name} is left out: ${leftOut}`);
  const load = [loadavg()[0] ?? 0];
  const [model] = await work.make(join(root, 'files'), size);
  if (model === undefined) throw new Error(`make ${work.name}: no model`);
  tell(`${work.name}: making a cluster with KServe ${kserveVersion}`);
  const cluster: BenchCluster = owned.use(await openCluster(root));
  const sources = owned.use(await openSources(cluster, model, work, root));
  const { digests, bytes } = await contentOf(model);
  const pass: PassOptions = { cluster, sources, digests, bytes, signal };
  const [first] = runners;
  if (first) await warmUp(first.way, pass);
  for (let number = 1; number <= runs; number++) {
    const left = runners.filter(({ error, leftOut }) => (error ?? leftOut) === undefined);
    // Back and forth, so that no way always runs after the same one.
    for (const runner of number % 2 === 1 ? left : left.reverse()) {
      const { way } = runner;
      try {
        const samples = await runPass(way, pass);
        runner.samples.push(samples);
        const times = Object.entries(samples).map(([table, { wall }]) => `${table} ${wall.toFixed(2)} s`);
        tell(`${work.name} ${number}/${runs} ${way.name}: ${times.join(', ')}`);
      } catch (error) {
        signal.throwIfAborted();
        const text = error instanceof Error ? error.message : String(error);
        runner.error = reasonIn(text.split('\n')[0] ?? '');
        tell(`${work.name} ${number}/${runs} ${way.name} failed: ${text}`);
      }
    }
  }
  load.push(loadavg()[0] ?? 0);
  const common = {
    bytes,
    command: options.command,
    date: new Date().toISOString().slice(0, 10),
    machine: {
      ...(await machineOf(sources.hasCdn)),
      cluster: `kind, one node, Kubernetes ${kubernetesVersion}, KServe ${kserveVersion}`,
      'load average': `${load.map((one) => one.toFixed(1)).join(' before, ')} after`,
    },
  };
  const names = Object.keys(tables) as TableName[];
  return names.flatMap((name) => {
    const rows = rowsOf(name, runners);
    const title = tables[name].title.replaceAll('SIZE', options.sizeText);
    return rows.length === 0 ? [] : [{ work: tables[name].name, title, ...common, rows }];
  });
}

/** The rows of a table: of every way that belongs into it, also when it did not run. */
export function rowsOf(name: TableName, runners: readonly Runner[]): Row[] {
  const table: Table = tables[name];
  return runners
    .filter(({ way }) => table.has(way))
    .map(({ way, versions, samples, error, leftOut }) => ({
      peer: way.name,
      title: table.rowTitle ?? way.title,
      versions,
      samples: samples.flatMap((one) => one[name] ?? []),
      ...(error !== undefined && { error }),
      ...(leftOut !== undefined && { leftOut }),
    }));
}

async function machineOf(hasCdn: boolean): Promise<Record<string, string>> {
  const { registry = '', ...rest } = await machine('distribution', false, hasCdn);
  return { ...rest, registry: registry.replace('the loopback interface', "the bridge to kind's node") };
}

async function prepare(way: Way): Promise<Runner> {
  const versions: Record<string, string> = {};
  for (const name of way.needs) {
    const tool = await findTool(name);
    if (tool === undefined)
      return { way, versions: {}, samples: [], leftOut: `${name} is not on this machine` };
    versions[name] = tool.version;
  }
  const leftOut = way.scheme === fetchScheme ? await missingTarFilters() : undefined;
  return { way, versions, samples: [], ...(leftOut !== undefined && { leftOut }) };
}

async function contentOf({
  folder,
  files,
}: Input): Promise<{ digests: Record<string, string>; bytes: number }> {
  const digests: Record<string, string> = {};
  let bytes = 0;
  for (const file of files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, file)), hash);
    digests[file] = hash.digest('hex');
    bytes += (await stat(join(folder, file))).size;
  }
  return { digests, bytes };
}
