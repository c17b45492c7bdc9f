import { stat } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import type { ImageStore } from '../image/types.ts';
import type { IndexEntry } from './entries.ts';
import { Layout } from './layout.ts';
import { ArchiveReader } from './reader.ts';

/** What `build` wrote, whichever form it has. */
export type LayoutReader = ImageStore & AsyncDisposable & { readonly entries: readonly IndexEntry[] };

/** Opens a layout folder or a .tar of one for reading. Fails with code `layout` when there is neither. */
export async function openLayout(path: string): Promise<LayoutReader> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new ModelcarsError('layout', `open ${path}: there is no such folder or file`, {
      next: 'run `modelcars build` first, or name what it wrote with --output',
    });
  }
  return found.isDirectory() ? Layout.open(path) : ArchiveReader.open(path);
}

/** Whether an output path means a tar rather than a folder. */
export function isArchive(path: string): boolean {
  return path.endsWith('.tar');
}
