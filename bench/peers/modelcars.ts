import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { architecture } from '../base.ts';
import type { Job, Kind, Peer, Step } from '../types.ts';

/** The package, as users have it: the sources take longer to start and more memory. `npm run bench` builds it. */
const program = fileURLToPath(new URL('../../dist/modelcars.js', import.meta.url));

/** Accepts any files, as a framework for language models would. */
const framework = `export default {
  name: 'bench',
  modelFormat: { name: 'huggingface' },
  runtime: 'kserve-huggingfaceserver',
  protocolVersion: 'openai',
  include: ['**'],
  exclude: [],
  requires: [],
  smoke: { path: '/', body: {}, expect: { output: 'none', classes: [0], read: 'labels' } },
};
`;

/** Sets `compression` in models.yaml; `none` is the default. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** The steps of a first push, with its lock. */
export async function pushSteps(job: Job, compression: Compression): Promise<Step[]> {
  await writeCatalog(job, compression);
  return [lock(job), main(job, 'push')];
}

/** The lock is committed with models.yaml, so it exists beforehand; a change requires `lock` again, which is timed. */
export const modelcars: Peer = {
  name: 'modelcars',
  title: (kind, changed) => `modelcars ${changed ? 'lock + ' : ''}${kind === 'layout' ? 'build' : 'push'}`,
  kinds: ['push', 'hub', 'layout'],
  needs: ['node'],
  readsHub: true,
  async prepare(job) {
    await writeCatalog(job);
    return [lock(job)];
  },
  async steps(job, kind) {
    if (!job.changed) return [main(job, kind)];
    await writeCatalog(job);
    return [lock(job), main(job, kind)];
  },
};

/** A user with a new models.yaml: the files are read twice, once to lock them and once to push them. */
export const modelcarsLock: Peer = {
  ...modelcars,
  name: 'modelcars-lock',
  title: (kind) => modelcars.title(kind, true),
  firstOnly: true,
  async prepare(job) {
    await writeCatalog(job);
    return [];
  },
  steps: async (job, kind) => [lock(job), main(job, kind)],
};

/** A new machine each time, with an empty store: which reads it can skip depends only on the lock. */
function elsewhere(name: string, title: string, flags: string[]): Peer {
  let machines = 0;
  return {
    ...modelcars,
    name,
    title: () => `modelcars push, empty store, ${title}`,
    async prepare(job) {
      await writeCatalog(job);
      return [modelcarsStep(job, ['lock', ...flags, '--no-progress'])];
    },
    async steps(job, kind) {
      const { program, args } = main(job, kind);
      return [{ program, args: [...args, '--store', join(job.folder, `store-${++machines}`)] }];
    },
  };
}

export const withLayers = elsewhere('locked-layers', 'layers in the lock', ['--layers']);
export const withoutLayers = elsewhere('no-layers', 'no layers in the lock', []);

/** The start-up cost of every run of the program. */
export const startUp: Peer = {
  ...modelcars,
  name: 'start-up',
  title: () => 'modelcars --version (start-up)',
  noImage: true,
  prepare: async () => [],
  steps: async () => [{ program: process.execPath, args: [program, '--version'] }],
};

function main(job: Job, kind: Kind): Step {
  const words = kind === 'layout' ? ['build', '--output', join(job.folder, 'out')] : ['push'];
  return modelcarsStep(job, [...words, '--frozen', '--no-progress']);
}

function lock(job: Job): Step {
  // A lock that holds would stay: the time to measure is that of resolving the models.
  return modelcarsStep(job, ['lock', '--upgrade', '--no-progress']);
}

function modelcarsStep({ folder }: Job, words: string[]): Step {
  return programStep([...words, '--file', join(folder, 'models.yaml')]);
}

/** Runs the program with these arguments. */
export function programStep(words: string[]): Step {
  return { program: process.execPath, args: [program, ...words] };
}

/** Writes models.yaml and a framework that accepts any files into the job's folder. */
export async function writeCatalog(
  { folder, models, base, registry, hub, changed }: Job,
  compression: Compression = 'none',
): Promise<void> {
  const catalog = {
    registry: `${registry}/bench`,
    // A version's tag never moves: a change needs a new version.
    version: changed ? 'v1.0.1' : 'v1.0.0',
    // The registries of the benchmark accept blobs of any size.
    defaults: { base, platforms: [`linux/${architecture}`], maxLayerSize: '1TB', compression },
    models: models.map(({ name, folder: files }) => ({
      name,
      framework: 'bench',
      source: hub === undefined ? `file://${files}` : `hf://bench/${name}`,
    })),
  };
  await mkdir(join(folder, 'frameworks', 'bench'), { recursive: true });
  await writeFile(join(folder, 'frameworks', 'bench', 'framework.ts'), framework);
  await writeFile(join(folder, 'models.yaml'), stringify(catalog));
}
