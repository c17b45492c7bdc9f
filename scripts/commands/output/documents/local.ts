import { z } from 'zod';
import { bytes, count, document } from './parts.ts';

/** The documents of the commands that delete local files. */

const dryRun = z.boolean().describe('Whether nothing was deleted.');

export const clean = document('clean', {
  dryRun,
  layout: z.string().describe('The layout: `--layout`.'),
  removed: z.array(z.string()).describe('Paths that were deleted; with `dryRun`, that would be.'),
});

const entrySchema = z
  .strictObject({
    kind: z.enum(['file', 'blob', 'part', 'layer', 'hash']).describe('Kind of entry.'),
    name: z.string().describe('A digest, or the key of a record.'),
    size: bytes.describe('Bytes.'),
    lastUsed: z.string().describe('RFC 3339.'),
  })
  .meta({ id: 'StoreEntry' });

export const prune = document('prune', {
  dryRun,
  store: z.string().describe('Folder of the store.'),
  removed: z.array(entrySchema).describe('Entries that were deleted; with `dryRun`, that would be.'),
  freed: bytes.describe('Bytes freed.'),
  left: bytes.describe('Bytes that remain.'),
  inUse: count.describe('Entries kept because a process uses them.'),
});
