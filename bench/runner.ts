/**
 * Runs a work: every tool once, then every tool again in reverse order, so that a slow minute of the machine affects
 * them all.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubModel } from '../tests/parts/hub.ts';
import { type Cdn, startCdn } from './cdn.ts';
import { diskFolder, memoryFolder } from './disk.ts';
import { type BenchHub, startBenchHub } from './hub.ts';
import { machine } from './machine.ts';
import { openPulls, type Pulls } from './pull.ts';
import type { Result, Row } from './results.ts';
import { type Input, openStage } from './stage.ts';
import { findTool } from './tools.ts';
import type { Peer, RegistryKind, Sample } from './types.ts';
import { change, changes, hubFiles, restore, type Work } from './works.ts';

export interface RunWork {
  work: Work;
  /** Those that do not support this kind of work or are not installed are left out. */
  peers: Peer[];
  /** Bytes. */
  size: number;
  sizeText: string;
  runs: number;
  command: string;
  /** Stops the work and removes its files. */
  signal: AbortSignal;
  tell(line: string): void;
}

/**
 * Creates the files, has every peer do the work `runs` times, and removes everything. A peer that fails gets no more
 * runs.
 */
export async function runWork(options: RunWork): Promise<Result> {
  const { work, size, runs, tell } = options;
  const folder = await mkdtemp(join(await diskFolder(), 'modelcars-bench-files-'));
  let hub: BenchHub | undefined;
  let cdn: Cdn | undefined;
  let pulls: Pulls | undefined;
  try {
    const inputs = await work.make(folder, size);
    const needsHub = work.kind === 'hub' || work.kind === 'pull';
    // Generated files and throttling need the hub's own CDN.
    if (needsHub && !work.huge && work.throttle === undefined) cdn = await startCdn(folder);
    if (needsHub) hub = await openHub(work, inputs, cdn);
    if (work.kind === 'pull' && hub !== undefined)
      pulls = await openPulls({
        models: inputs,
        hub,
        registry: registryOf(work),
        throttle: work.throttle,
        again: work.again !== undefined,
        change: changes(work) ? async (job) => await change(work, job) : undefined,
        restore: async () => await restore(inputs),
        signal: options.signal,
      });
    const bytes = await sizeOf(inputs);
    const storage = await memoryFolder(bytes);
    const rows: (Row & { by: Peer })[] = [];
    for (const peer of [...options.peers.filter((one) => takesPart(one, work)), ...(work.extra ?? [])]) {
      const versions = await versionsOf(peer, work);
      if (versions === undefined) tell(`${work.name}: ${peer.name} is not on this machine`);
      else rows.push({ peer: peer.name, title: titleOf(peer, work), versions, samples: [], by: peer });
    }
    const traffic = new Map<Row, Partial<Sample>>();
    for (let number = 1; number <= runs; number++) {
      const left = rows.filter(({ error }) => error === undefined);
      // Back and forth, so that no peer always runs after the same one.
      for (const row of number % 2 === 1 ? left : left.reverse()) {
        try {
          if (work.again && number === 1 && pulls === undefined) {
            const { requests, sent } = await once(options, row.by, inputs, {
              hub,
              storage,
              bytes,
              count: true,
            });
            traffic.set(row, {
              ...(requests !== undefined && { requests }),
              ...(sent !== undefined && { sent }),
            });
          }
          const sample =
            (await pulls?.run(row.by)) ?? (await once(options, row.by, inputs, { hub, storage, bytes }));
          row.samples.push({ ...sample, ...traffic.get(row) });
          tell(`${work.name} ${number}/${runs} ${row.peer}: ${sample.wall.toFixed(2)} s`);
        } catch (error) {
          options.signal.throwIfAborted();
          const text = error instanceof Error ? error.message : String(error);
          row.error = reasonIn(text);
          tell(`${work.name} ${number}/${runs} ${row.peer} failed: ${text}`);
        }
      }
    }
    return {
      work: work.name,
      title: work.title.replaceAll('SIZE', options.sizeText),
      bytes,
      command: options.command,
      date: new Date().toISOString().slice(0, 10),
      machine: await machine(
        registryOf(work),
        storage !== undefined && work.kind !== 'pull',
        cdn !== undefined,
      ),
      rows: rows.map(({ by, ...row }) => row),
    };
  } finally {
    await pulls?.[Symbol.asyncDispose]();
    hub?.stop();
    await cdn?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One run of one tool, on a fresh stage. */
async function once(
  { work, signal }: RunWork,
  peer: Peer,
  models: Input[],
  {
    hub,
    storage,
    bytes,
    count = false,
  }: { hub?: BenchHub | undefined; storage?: string | undefined; bytes: number; count?: boolean },
): Promise<Sample> {
  const stage = await openStage({
    peer,
    kind: work.kind,
    models,
    hub: hub?.url,
    count,
    storage,
    bytes,
    registry: registryOf(work),
    huge: work.huge ?? false,
    signal,
  });
  try {
    await stage.prepare();
    if (work.again) {
      await stage.run();
      await change(work, stage.job);
    }
    return await stage.run();
  } finally {
    await restore(models);
    await stage[Symbol.asyncDispose]();
  }
}

async function sizeOf(inputs: Input[]): Promise<number> {
  const sizes = inputs.flatMap(({ folder, files }) =>
    files.map(async (file) => (await stat(join(folder, file))).size),
  );
  return (await Promise.all(sizes)).reduce((sum, one) => sum + one, 0);
}

const registryOf = ({ registry = 'docker-registry' }: Work): RegistryKind => registry;

async function openHub(work: Work, inputs: Input[], cdn: Cdn | undefined): Promise<BenchHub> {
  const models: Record<string, HubModel> = {};
  for (const input of inputs) models[`bench/${input.name}`] = { files: await hubFiles(input, work) };
  return await startBenchHub({
    models,
    ...(work.throttle !== undefined && { throttle: work.throttle }),
    ...(cdn && { elsewhere: cdn.origin }),
  });
}

/** Program → version; undefined if one is not available on this machine. */
async function versionsOf(peer: Peer, work: Work): Promise<Record<string, string> | undefined> {
  const versions: Record<string, string> = {};
  for (const name of [...peer.needs, ...(downloads(peer, work) ? ['hf'] : [])]) {
    const tool = await findTool(name);
    if (tool === undefined) return undefined;
    versions[name] = tool.version;
  }
  return versions;
}

function takesPart(peer: Peer, { kind, again, huge }: Work): boolean {
  if (huge) return peer.name === 'modelcars';
  // The hub and the S3 of a work do not change. They send a new version whole, as they do a first one.
  if (kind === 'pull' && again === 'readme' && (peer.pull?.from || peer.readsHub)) return false;
  if (peer.firstOnly && again !== undefined) return false;
  return peer.kinds.includes(kind) && !(peer.noBase && again === 'base');
}

/** Whether the work starts at the hub and the peer needs the files on disk. */
function downloads(peer: Peer, { kind }: Work): boolean {
  return kind === 'hub' && peer.kinds.includes('push') && !peer.readsHub;
}

function titleOf(peer: Peer, work: Work): string {
  return `${downloads(peer, work) ? 'hf download + ' : ''}${peer.title(work.kind, changes(work))}`;
}

/** The last line with content, without paths of this machine. */
export function reasonIn(text: string): string {
  const lines = text.trim().split('\n');
  return (lines.at(-1) ?? '').replaceAll(/\/\S*\//g, '…/').slice(0, 200);
}
