import { lstat, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { pathError, sweepTemporary, writeTextAtomically } from '../files/atomic.ts';
import { makeFolder } from '../files/folder.ts';
import { type BaseWriter, sealOf } from '../kserve/manifests/gitops/generated.ts';
import {
  type BaseFile,
  kustomization,
  kustomizationName,
  type ModelObjects,
  objectFiles,
  otherKustomizationNames,
  runtimesFolder,
} from '../kserve/manifests/gitops/kustomize.ts';
import { displayPath } from '../text/paths.ts';

export interface BaseOptions {
  /** The base's folder; created when it does not exist. */
  folder: string;
  namespace?: string;
  /** Whether these are all models of the catalog: files of others are then removed. */
  whole: boolean;
  /** The command that writes it; `manifest` by default. Files of the other are in its way. */
  by?: BaseWriter;
}

/** What happened to a file of a base. */
export interface BaseChange {
  /** As a user would write it. */
  path: string;
  status: 'created' | 'changed' | 'unchanged' | 'removed';
}

/** An existing file of a base's folder. */
interface Existing {
  /** Undefined for anything but a regular file. */
  text: string | undefined;
  seal: ReturnType<typeof sealOf>;
}

/**
 * Writes the models' objects as a kustomize base. Files that a user has edited, and files that something else has
 * written under a name of the base, fail the run with code `usage` before anything is written; other files are left
 * alone. A run of all models removes the intact files of models that left the catalog; a run of some keeps the other
 * models, and the namespace that they have. A run that is stopped leaves a base that kustomize can build.
 */
export async function writeBase(
  manifests: readonly ModelObjects[],
  options: BaseOptions,
): Promise<BaseChange[]> {
  const folder = resolve(options.folder);
  const { by = 'manifest' } = options;
  const existing = await readBase(folder, by);
  const objects = objectFiles(manifests, by);
  const wanted = new Map(objects.map((file) => [file.path, file]));
  const others = [...existing].filter(([path, { seal }]) => seal !== 'foreign' && !wanted.has(path));
  const left = others.map(([path]) => path).filter((path) => path !== kustomizationName);
  const before = existing.get(kustomizationName)?.text;
  const namespace = options.namespace ?? (options.whole ? undefined : namespaceOf(before));
  const top = kustomization([...wanted.keys(), ...(options.whole ? [] : left)], namespace, by);
  if (wanted.has(top.path)) throw clash(top.path, manifests);
  const removed = options.whole ? left : [];
  refuse({ folder, by }, existing, [...objects, top], removed);
  try {
    const changes = await write(folder, existing, [...objects, top]);
    // Last, so that the kustomization never names a missing file.
    for (const path of removed) await rm(join(folder, path), { force: true });
    await rmdir(join(folder, runtimesFolder)).catch(() => undefined); // unless it holds something
    return [
      ...changes,
      ...removed.map((path): BaseChange => ({ path: displayPath(join(folder, path)), status: 'removed' })),
    ];
  } catch (error) {
    throw pathError(`write ${displayPath(folder)}`, error);
  }
}

/** The files at the places of a base: its folder, and that of the runtimes. */
async function readBase(folder: string, by: BaseWriter): Promise<Map<string, Existing>> {
  const found = new Map<string, Existing>();
  for (const prefix of ['', `${runtimesFolder}/`]) {
    for (const name of await namesIn(join(folder, prefix))) {
      const path = prefix + name;
      if (path === 'oci-layout') throw layoutError(folder);
      if (otherKustomizationNames.includes(path)) throw twoKustomizations(folder, path);
      if (name.endsWith('.yaml')) found.set(path, await readExisting(join(folder, path), by));
    }
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  return (
    await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw pathError(`read ${displayPath(folder)}`, error);
    })
  ).sort();
}

async function readExisting(path: string, by: BaseWriter): Promise<Existing> {
  try {
    if (!(await lstat(path)).isFile()) return { text: undefined, seal: 'foreign' };
    const text = await readFile(path, 'utf8');
    return { text, seal: sealOf(text, by) };
  } catch (error) {
    throw pathError(`read ${displayPath(path)}`, error);
  }
}

/** Fails with every file in the way: edited ones, and those of others. */
function refuse(
  { folder, by }: { folder: string; by: BaseWriter },
  existing: ReadonlyMap<string, Existing>,
  files: readonly BaseFile[],
  removed: readonly string[],
): void {
  const targets = [...files, ...removed.map((path) => ({ path, text: undefined }))];
  const problems = targets.flatMap(({ path, text }) => {
    const found = existing.get(path);
    if (found === undefined || found.seal === 'intact' || found.text === text) return [];
    const why =
      found.seal === 'edited' ? 'was edited after modelcars wrote it' : `was not written by modelcars ${by}`;
    return [`${displayPath(join(folder, path))} ${why}`];
  });
  if (problems.length === 0) return;
  throw new ModelcarsError(
    'usage',
    [`write ${displayPath(folder)}: nothing was written:`, ...problems].join('\n  '),
    {
      next: 'move edits into an overlay or into `serving:` of models.yaml, delete these files, and run the same command again',
    },
  );
}

/** Writes the files whose text differs, in their order. */
async function write(
  folder: string,
  existing: ReadonlyMap<string, Existing>,
  files: readonly BaseFile[],
): Promise<BaseChange[]> {
  const changes: BaseChange[] = [];
  const swept = new Set<string>();
  for (const { path, text } of files) {
    const target = join(folder, path);
    const parent = dirname(target);
    const found = existing.get(path);
    // A checkout on Windows has the same text with other line ends.
    const isSame = found?.text?.replaceAll('\r\n', '\n') === text;
    if (!isSame) {
      makeFolder(parent);
      if (!swept.has(parent)) await sweepTemporary(parent);
      swept.add(parent);
      await writeTextAtomically(target, text);
    }
    const status = found === undefined ? 'created' : isSame ? 'unchanged' : 'changed';
    changes.push({ path: displayPath(target), status });
  }
  return changes;
}

/** The namespace of a kustomization that this program wrote. */
function namespaceOf(text: string | undefined): string | undefined {
  return /^namespace: "?([a-z0-9-]+)"?\r?$/m.exec(text ?? '')?.[1];
}

function clash(path: string, manifests: readonly ModelObjects[]): ModelcarsError {
  const model = manifests.find((one) => `${one.model}.yaml` === path)?.model ?? path;
  return new ModelcarsError('usage', `write ${path}: a base needs this name, and model ${model} has it too`, {
    next: 'rename the model, or print its objects without --output',
  });
}

function layoutError(folder: string): ModelcarsError {
  const shown = displayPath(folder);
  return new ModelcarsError('usage', `write ${shown}: it is the image layout of a build, no kustomize base`, {
    next: `pass another folder, such as --output deploy; to read the images in ${shown}, pass --layout ${shown}`,
  });
}

function twoKustomizations(folder: string, name: string): ModelcarsError {
  return new ModelcarsError(
    'usage',
    `write ${displayPath(folder)}: it has a ${name}, and kustomize accepts one kustomization per folder`,
    { next: 'pass a folder of its own, and name it in `resources:` of that kustomization' },
  );
}
