import { createHash } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { pathError, sweepTemporary, temporaryPrefix, writeTextAtomically } from '../../files/atomic.ts';
import { makeFolder } from '../../files/folder.ts';
import { sitePath } from '../../model-catalog/site.ts';
import type { CatalogFormat, SiteFile } from '../../model-catalog/types.ts';
import { displayPath } from '../../text/paths.ts';

/** What writing a site did. */
export interface WrittenSite {
  /** All files of the site, and how many of them this run wrote because they are new or changed. */
  files: number;
  written: number;
  /** Paths of files of an earlier run that are not part of the site any more. */
  removed: string[];
  /** Such files that somebody changed since: they stay. */
  kept: string[];
}

/** Lists the files of a site with the SHA-256 of what was written; of a run that was stopped, of both versions. */
const recordName: Record<CatalogFormat, string> = {
  html: '.modelcars-catalog.json',
  odh: '.modelcars-catalog-odh.json',
};
const odhPath = /^(?:modelcars|sources)\.yaml$/;
const recordSchema = z.object({
  version: z.literal(1),
  files: z.record(z.string(), z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(2)),
});
type SiteRecord = ReadonlyMap<string, readonly string[]>;

/**
 * Writes the files of a site into a folder, each in one rename, unchanged ones not at all; then removes those of an
 * earlier run that are not part of it any more, unless somebody changed them since. The record of what was written is
 * extended before the first file and reduced after the last, so that a run that is stopped leaves no file behind that a
 * later one would not know. Fails with code `disk` for a file in the way that no run wrote.
 */
export async function writeSite(
  folder: string,
  files: Iterable<SiteFile>,
  { format, signal }: { format: CatalogFormat; signal: AbortSignal },
): Promise<WrittenSite> {
  try {
    return await write(folder, [...files], format, signal);
  } catch (error) {
    throw pathError(`write ${displayPath(folder)}`, error);
  }
}

async function write(
  folder: string,
  files: readonly SiteFile[],
  format: CatalogFormat,
  signal: AbortSignal,
): Promise<WrittenSite> {
  const folders = new Set(['.', ...files.map(({ path }) => dirname(path))].map((path) => join(folder, path)));
  for (const path of folders) {
    makeFolder(path);
    await sweepTemporary(path);
  }
  const recordFile = join(folder, recordName[format]);
  const before = await readRecord(recordFile, format);
  const now: SiteRecord = new Map(files.map(({ path, text }) => [path, [hashOf(text)]]));
  const changed = await changedFiles(folder, files, before);
  if (changed.length > 0) await writeRecord(recordFile, either(before, now));
  for (const { path, text } of changed) {
    signal.throwIfAborted();
    await replace(join(folder, path), text);
  }
  const removed: string[] = [];
  const kept: string[] = [];
  for (const [path, hashes] of before) {
    if (now.has(path)) continue;
    const text = await readText(join(folder, path));
    if (text === undefined) continue;
    const isOwn = hashes.includes(hashOf(text));
    (isOwn ? removed : kept).push(path);
    if (isOwn) await rm(join(folder, path), { force: true });
  }
  const isSame = before.size === now.size && removed.length === 0 && changed.length === 0;
  if (!isSame) await writeRecord(recordFile, now);
  return { files: files.length, written: changed.length, removed, kept };
}

/** What a run that is stopped can leave: of each file the version of either record. */
function either(before: SiteRecord, now: SiteRecord): SiteRecord {
  const hashes = (path: string) => [...new Set([before.get(path)?.at(-1), now.get(path)?.at(-1)])];
  const paths = new Set([...before.keys(), ...now.keys()]);
  return new Map([...paths].map((path) => [path, hashes(path).filter((hash) => hash !== undefined)]));
}

/** The files that differ from those on disk. Fails when one on disk is not of an earlier run. */
async function changedFiles(
  folder: string,
  files: readonly SiteFile[],
  before: SiteRecord,
): Promise<SiteFile[]> {
  const changed: SiteFile[] = [];
  for (const file of files) {
    const found = await readText(join(folder, file.path));
    if (found === file.text) continue;
    if (found !== undefined && !before.has(file.path))
      throw new ModelcarsError(
        'disk',
        `write ${displayPath(join(folder, file.path))}: a file is in the way that modelcars did not write`,
        { next: 'choose another folder with --output, or move the file' },
      );
    changed.push(file);
  }
  return changed;
}

/** One rename, without waiting for the disk: a site is written again after a crash, and a wait for each of 5,000 pages takes minutes. */
async function replace(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `${temporaryPrefix}${process.pid}-page`);
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A record that somebody changed counts only for paths that a site can have. */
async function readRecord(path: string, format: CatalogFormat): Promise<SiteRecord> {
  const text = await readText(path);
  let value: unknown;
  try {
    value = JSON.parse(text ?? '{}');
  } catch {
    return new Map();
  }
  const files = Object.entries(recordSchema.safeParse(value).data?.files ?? {});
  const pattern = format === 'odh' ? odhPath : sitePath;
  return new Map(files.filter(([name]) => pattern.test(name)));
}

async function writeRecord(path: string, record: SiteRecord): Promise<void> {
  const files = Object.fromEntries([...record].sort(([one], [other]) => (one < other ? -1 : 1)));
  await writeTextAtomically(path, `${JSON.stringify({ version: 1, files }, undefined, 1)}\n`);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
