/** The works to measure: which files, from where to where, and what changes before the clock starts. */
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HubFile, HubFiles } from '../tests/parts/hub.ts';
import { pushBase } from './base.ts';
import { tables } from './coldstart/ways.ts';
import { type Files, writeFiles, writeSparse } from './inputs.ts';
import { startUp, withLayers, withoutLayers } from './peers/modelcars.ts';
import { curl } from './peers/plain.ts';
import type { Input } from './stage.ts';
import type { Job, Kind, Peer, RegistryKind } from './types.ts';

export interface Work {
  name: string;
  /** One sentence for the report; `size` as on the command line. */
  title: string;
  kind: Kind;
  /** Writes the models' files below a folder; the same bytes every time. `size` in bytes. */
  make(folder: string, size: number): Promise<Input[]>;
  /** Bytes per second of each connection to the hub. */
  throttle?: number;
  /** The registry to push to; docker-registry by default. */
  registry?: RegistryKind;
  /** First the same tool does the work once, unmeasured; then this changes, and the measured run follows. */
  again?: 'unchanged' | 'readme' | 'base';
  /** Far larger than memory and disk: sparse files, and a registry that keeps none of them. For modelcars only. */
  huge?: true;
  /** Peers of this work only. */
  extra?: Peer[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = '# A model\n\nWeights that nobody trained.\n';
const config = `${JSON.stringify({ architectures: ['NoneForCausalLM'], hidden_size: 4096 }, undefined, 2)}\n`;

const files: Work = {
  name: 'files',
  title: 'Four safetensors files of SIZE each, from disk to a registry',
  kind: 'push',
  make: (folder, size) => models(folder, 1, shards(4, size)),
};

const hub: Work = {
  name: 'hub',
  title: 'Four safetensors files of SIZE each, from the hub to a registry',
  kind: 'hub',
  make: (folder, size) => models(folder, 1, shards(4, size)),
};

/**
 * The same into the newer registry, which leaves more of the CPU to the tools: it hashes with the CPU's SHA
 * instructions.
 */
function newer(work: Work): Work {
  const title = work.title.replace('a registry', 'distribution 3');
  return { ...work, name: `${work.name}-3`, title, registry: 'distribution' };
}

const pull: Work = {
  name: 'pull',
  title: 'Four safetensors files of SIZE each, on an empty node',
  kind: 'pull',
  make: (folder, size) => models(folder, 1, shards(4, size)),
  registry: 'distribution',
};

export const works: Work[] = [
  {
    name: 'coldstart',
    title: tables.first.title,
    kind: 'coldstart',
    make: pull.make,
  },
  pull,
  {
    ...pull,
    name: 'pull-small',
    title: 'Sixty files of a 128th of SIZE each, on an empty node',
    make: (folder, size) => models(folder, 1, shards(60, size / 128)),
  },
  {
    ...pull,
    name: 'pull-throttled',
    title: 'Four safetensors files of SIZE each, on an empty node, 40 MB/s for each connection',
    throttle: 40_000_000,
  },
  {
    ...pull,
    name: 'pull-one-throttled',
    title: 'One file of SIZE, on an empty node, 40 MB/s for each connection',
    make: (folder, size) => models(folder, 1, { 'model.safetensors': size }),
    throttle: 40_000_000,
  },
  {
    ...pull,
    name: 'pull-again',
    title: 'Four safetensors files of SIZE each, for a second pod on the same node',
    again: 'unchanged',
  },
  {
    ...pull,
    name: 'pull-readme',
    title:
      'A new version with another README of four safetensors files of SIZE each, on a node with the old one',
    again: 'readme',
  },
  files,
  newer(files),
  {
    name: 'small',
    title: 'Sixty files of a 128th of SIZE each, from disk to a registry',
    kind: 'push',
    make: (folder, size) => models(folder, 1, shards(60, size / 128)),
  },
  {
    name: 'classic',
    title: 'The three example models, from disk to a registry',
    kind: 'push',
    make: classic,
  },
  hub,
  newer(hub),
  {
    name: 'throttled',
    title: 'One file of SIZE from a hub that gives 40 MB/s to each connection, to distribution 3',
    kind: 'hub',
    make: (folder, size) => models(folder, 1, { 'model.safetensors': size }),
    throttle: 40_000_000,
    // The older one writes a single blob more slowly than six connections deliver it.
    registry: 'distribution',
    extra: [curl],
  },
  {
    name: 'layout',
    title: 'Four safetensors files of SIZE each, from disk to an OCI image layout on disk',
    kind: 'layout',
    make: (folder, size) => models(folder, 1, shards(4, size)),
  },
  {
    name: 'unchanged',
    title: 'Five models of an eighth of SIZE each that are in the registry already, pushed again',
    kind: 'push',
    make: (folder, size) => models(folder, 5, shards(4, size / 32)),
    again: 'unchanged',
    extra: [startUp],
  },
  {
    name: 'elsewhere',
    title: 'A model of SIZE from the hub that is in the registry already, pushed again from other machines',
    kind: 'hub',
    make: (folder, size) => models(folder, 1, shards(4, size / 4)),
    again: 'unchanged',
    extra: [withLayers, withoutLayers],
  },
  {
    name: 'readme',
    title: 'A model of SIZE that is in the registry already, pushed again with another README',
    kind: 'push',
    make: (folder, size) => models(folder, 1, shards(4, size / 4)),
    again: 'readme',
  },
  {
    name: 'base',
    title: 'A model of SIZE that is in the registry already, pushed again on a new base image',
    kind: 'push',
    make: (folder, size) => models(folder, 1, shards(4, size / 4)),
    again: 'base',
  },
  {
    name: 'huge',
    title: 'Four files of ten times SIZE each, from disk to a registry that keeps nothing',
    kind: 'push',
    make: huge,
    huge: true,
  },
  {
    name: 'huge-hub',
    title: 'Four files of ten times SIZE each, from the hub to a registry that keeps nothing',
    kind: 'hub',
    make: huge,
    huge: true,
  },
];

/** The hub's files for these models: read from disk, or generated as they are read. */
export async function hubFiles({ folder, files }: Input, { huge: made }: Work): Promise<HubFiles> {
  const entries = files.map(async (file, at): Promise<[string, HubFile]> => {
    const path = join(folder, file);
    return [file, made ? { size: (await stat(path)).size, generate: at } : { file: path }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Whether anything changes before the measured run. */
export function changes({ again }: Work): boolean {
  return again !== undefined && again !== 'unchanged';
}

/** Applies the change that the work makes before its measured run. */
export async function change(work: Work, job: Job): Promise<void> {
  if (work.again === 'base') job.base = await pushBase(job.registry, 'v2');
  for (const { folder } of work.again === 'readme' ? job.models : [])
    await writeFile(join(folder, 'README.md'), `${readme}\nNew.\n`);
  job.changed = changes(work);
}

/** Reverts the changes that `change` made to the files. */
export async function restore(inputs: readonly Input[]): Promise<void> {
  for (const { folder, files } of inputs)
    if (files.includes('README.md')) await writeFile(join(folder, 'README.md'), readme);
}

function shards(count: number, size: number): Files {
  const number = (at: number): string => `${at + 1}`.padStart(5, '0');
  const name = (at: number): string => `model-${number(at)}-of-${number(count - 1)}.safetensors`;
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [name(at), Math.floor(size)]));
}

async function models(folder: string, count: number, weights: Files): Promise<Input[]> {
  const files = { ...weights, 'config.json': config, 'README.md': readme };
  const inputs: Input[] = [];
  for (let at = 1; at <= count; at++) {
    const input = {
      name: `model-${at}`,
      folder: join(folder, `model-${at}`),
      files: Object.keys(files).sort(),
    };
    await writeFiles(input.folder, files, at);
    inputs.push(input);
  }
  return inputs;
}

async function huge(folder: string, size: number): Promise<Input[]> {
  // A file of zeros is not valid safetensors.
  const files = Object.keys(shards(4, 0)).map((name) => name.replace('.safetensors', '.bin'));
  for (const file of files) await writeSparse(join(folder, file), 10 * size);
  return [{ name: 'huge', folder, files }];
}

async function classic(folder: string): Promise<Input[]> {
  const files = { sklearn: 'model.joblib', xgboost: 'model.bst', lightgbm: 'model.bst' };
  const inputs: Input[] = [];
  for (const [name, file] of Object.entries(files)) {
    const to = join(folder, name, file);
    await mkdir(dirname(to), { recursive: true });
    await copyFile(join(root, 'frameworks', name, file), to);
    inputs.push({ name, folder: join(folder, name), files: [file] });
  }
  return inputs;
}
