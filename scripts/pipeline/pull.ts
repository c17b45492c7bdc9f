import { resolve } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import type { Trust } from '../model/trust.ts';
import type { Catalog } from '../model/types.ts';
import { FreeSpace } from '../store/free-space.ts';
import type { Task } from '../terminal/types.ts';
import { checkReplaceable, examineTarget, type WantedFile } from '../unpack/target.ts';
import { unpackContent } from '../unpack/unpack.ts';
import { WorkFolder } from '../unpack/work-folder.ts';
import type { Check } from '../verify/check.ts';
import { SignatureCheck } from './check-signatures.ts';
import { compareWithLock, lockedFilesOf } from './compare-with-lock.ts';
import { type NamedImage, openNamed, readImageName } from './named-image.ts';
import { nothingSelected, type PullPlan, type PullSelection, planPull, spaceNeeds } from './pull-plan.ts';
import type { RunOptions } from './types.ts';

export interface PullOptions
  extends PullSelection,
    Pick<RunOptions, 'concurrency' | 'registry' | 'signal' | 'progress'> {
  /** As on the command line: see `readImageName`. */
  image: string;
  /** The folder to make; the model's name in the current folder by default. */
  output: string | undefined;
  layout: string;
  /** Undefined without a models.yaml. */
  catalog: Catalog | undefined;
  /** Registry prefix → replacement to pull from. */
  mirrors: Record<string, string>;
  /** Delete an existing folder. */
  replace: boolean;
  /** Who must have signed an image of a registry. */
  trust: Trust | undefined;
  /** Whether `trust` comes from the command line: a layout, which has no signatures, is an error. */
  mustBeSigned: boolean;
}

/** A file that was pulled. */
export type PulledFile = WantedFile;

export interface Pulled {
  status: 'done' | 'unchanged';
  /** `iris:v1.2.3`, `quay.io/me/iris:v1.2.3`. */
  name: string;
  digest: string;
  /** Absolute path. */
  folder: string;
  files: PulledFile[];
  /** Bytes of all files. */
  size: number;
  /** Bytes that were read from the registry or layout. */
  received: number;
  /** Bytes that an earlier, stopped run had read. */
  resumed: number;
  /** What was verified, for people. */
  checks: Check[];
}

/**
 * Writes the model files of an image or artifact to a folder, which appears whole or not at all. Every layer is checked
 * against its digest, every file against the layer's annotation and, for a model at the version of the catalog, against the
 * lock; with `trust`, signatures first. A stopped run continues where it was. Fails with code `usage` for an existing
 * folder with other files.
 */
export async function pullImage(options: PullOptions): Promise<Pulled> {
  const { catalog, signal, progress } = options;
  const image = readImageName(options.image, 'pull', catalog);
  const folder = resolve(options.output ?? image.model);
  if (options.replace) checkReplaceable(folder);
  if (options.mustBeSigned && image.reference === undefined)
    throw new ModelcarsError('usage', `pull ${image.name}: a layout on disk has no signatures`, {
      next: 'leave out --key and --identity, or name an image of a registry',
    });
  const task = progress.task(`pull ${image.name}`);
  try {
    await using opened = await openNamed(image, {
      verb: 'pull',
      layout: options.layout,
      registry: options.registry,
      mirrors: options.mirrors,
      signal,
      onRetry: (line) => progress.warn(line),
    });
    const checks = await checkSignatures(opened, options);
    const plan = await planPull(opened, image.name, options);
    const locked = image.current && catalog && (await lockedFilesOf(catalog, image.current, plan.select));
    const approve = (files: readonly PulledFile[]) =>
      locked === undefined ? [] : [compareWithLock(image.name, files, locked)];
    // Before a byte is read, where the layers list their files.
    if (plan.listed !== undefined) approve(plan.listed);
    const { status, files, ...counts } = await pullContent(opened, plan, {
      ...options,
      name: image.name,
      folder,
      task,
      approve,
    });
    task.done(status);
    const layers: Check = { rule: 'layers', text: 'every layer has its digest' };
    return {
      status,
      name: image.name,
      digest: opened.root.digest,
      folder,
      files,
      size: files.reduce((total, file) => total + file.size, 0),
      ...counts,
      checks: [...(status === 'done' ? [layers, ...plan.checks] : []), ...approve(files), ...checks],
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    task.fail(problem.replace(`pull ${image.name}: `, ''));
    throw error;
  }
}

async function checkSignatures({ repository, root }: NamedImage, options: PullOptions): Promise<Check[]> {
  const { trust, signal } = options;
  if (trust === undefined || repository === undefined) return [];
  return await (await SignatureCheck.open(trust, signal)).check(repository, root);
}

interface Target {
  name: string;
  folder: string;
  task: Task;
  /** Refuses files that are not those of the lock. */
  approve(files: readonly PulledFile[]): Check[];
}

async function pullContent(
  { store }: NamedImage,
  { content, select, listed }: PullPlan,
  options: PullOptions & Target,
): Promise<Pick<Pulled, 'status' | 'files' | 'received' | 'resumed'>> {
  const { name, folder, task, replace, concurrency, signal, progress } = options;
  const state = await examineTarget(folder, listed, signal);
  if (state === 'same' && listed !== undefined)
    return { status: 'unchanged', files: listed, received: 0, resumed: 0 };
  if (state === 'other' && !replace) throw occupied(name, folder, listed !== undefined);
  await new FreeSpace().reserve(`pull ${name}`, folder, spaceNeeds(content), '--output');
  await using work = await WorkFolder.open(folder, signal, () =>
    progress.warn(`waiting: another modelcars is pulling into ${folder}`),
  );
  task.total(content.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0));
  const counts = { received: 0, resumed: 0 };
  const unpacked = await unpackContent(store, content, {
    where: name,
    select,
    folder: (digest) => work.layer(digest),
    signal,
    onBytes(count, fromDisk) {
      counts[fromDisk ? 'resumed' : 'received'] += count;
      task.add(count);
    },
    ...(concurrency !== undefined && { concurrency }),
  });
  if (unpacked.length === 0) throw nothingSelected(name, listed ?? [], options);
  const files = unpacked.map(({ name: path, size, sha256 }) => ({ path, size, sha256 }));
  options.approve(files);
  await work.finish(
    unpacked.map(({ name: path, path: from }) => ({ path, from })),
    replace,
  );
  return { status: 'done', files, ...counts };
}

function occupied(name: string, folder: string, isKnown: boolean): ModelcarsError {
  const why = isKnown ? 'with other files than the image' : 'and is not empty';
  return new ModelcarsError('usage', `pull ${name}: ${folder} exists, ${why}`, {
    next: 'name another folder with --output, or pass --replace to delete this one',
  });
}
