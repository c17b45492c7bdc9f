import { stat } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { diskError } from '../files/atomic.ts';
import type { ImageStore } from '../image/types.ts';
import type { IndexEntry } from './entries.ts';
import { Layout } from './layout.ts';

/** The output of `build`, as a folder or a tar. */
export type LayoutReader = ImageStore & AsyncDisposable & { readonly entries: readonly IndexEntry[] };

/** Opens a layout folder or .tar for reading. Fails with code `layout` when the path is neither. */
export async function openLayout(path: string): Promise<LayoutReader> {
  const found = await stat(path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw diskError(`open ${path}`, error);
    throw new ModelcarsError('layout', `open ${path}: no such file or folder`, {
      next: 'run `modelcars build` first, or pass what it wrote with --layout',
    });
  });
  if (found.isDirectory()) return Layout.open(path);
  if (found.isFile()) {
    const { ArchiveReader } = await import('./archive-reader.ts');
    return ArchiveReader.open(path);
  }
  throw new ModelcarsError('layout', `open ${path}: it is neither a folder nor a regular file`, {
    next: 'pass the folder or .tar that `modelcars build` wrote',
  });
}

/** Whether an output path means a tar rather than a folder. */
export function isArchive(path: string): boolean {
  return path.endsWith('.tar');
}
