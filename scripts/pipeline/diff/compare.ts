import { list } from '../../text/format.ts';
import { compareBytes } from '../../text/paths.ts';
import type { ImageFacts, ImageFile } from './image-facts.ts';
import { type FileKind, kindOfFile } from './kinds.ts';

/** A file that differs, or may. */
export interface FileChange {
  path: string;
  kind: FileKind;
  /** `unknown`: of the same size, in layers that differ and do not say which files they hold. */
  change: 'added' | 'removed' | 'changed' | 'unknown';
  /** Bytes in the first image. */
  from?: number;
  /** Bytes in the second. */
  to?: number;
}

/** A text that differs; absent where an image does not have it. */
export interface TextChange {
  key: string;
  from?: string;
  to?: string;
}

/** What differs between two images. */
export interface ImageDiff {
  /** Nothing that is compared differs; digests may. */
  equal: boolean;
  /** One line for people: "only the base changed". */
  summary: string;
  files: FileChange[];
  /** Number of files that are the same. */
  sameFiles: number;
  /** Bytes of all files. */
  size: { from: number; to: number };
  /** Layers whose files are not known, of both images. */
  unread: { digest: string; size: number }[];
  /** Per platform that both have: the bases whose layers differ, by name and digest as annotated. */
  base: TextChange[];
  platforms: { added: string[]; removed: string[] };
  /** Per platform: `linux/amd64 User`. */
  config: TextChange[];
  annotations: TextChange[];
}

/** Annotations that differ between any two versions, and those of the base, which is compared itself. */
const naming = /^org\.opencontainers\.image\.(?:version|created|revision|ref\.name|base\.(?:name|digest))$/;

/** Compares two images. */
export function compareImages(a: ImageFacts, b: ImageFacts): ImageDiff {
  const { files, sameFiles } = compareFiles(a, b);
  const unread = [...a.unread, ...b.unread].filter(
    ({ digest }) => !(a.layers.includes(digest) && b.layers.includes(digest)),
  );
  const shared = [...a.platforms.keys()].filter((platform) => b.platforms.has(platform));
  const base = shared.flatMap((platform) => compareBases(platform, a, b));
  const platforms = {
    added: [...b.platforms.keys()].filter((platform) => !a.platforms.has(platform)),
    removed: [...a.platforms.keys()].filter((platform) => !b.platforms.has(platform)),
  };
  const config = shared.flatMap((platform) =>
    compareTexts(a.platforms.get(platform)?.config ?? {}, b.platforms.get(platform)?.config ?? {}).map(
      (change) => ({ ...change, key: `${platform} ${change.key}` }),
    ),
  );
  const annotations = compareTexts(a.annotations, b.annotations);
  const parts = { files, unread, base, platforms, config, annotations };
  const changed = summaryOf(parts);
  return {
    equal: changed.length === 0 && annotations.length === 0,
    summary: sentence(changed, a.digest === b.digest, annotations),
    ...parts,
    sameFiles,
    size: { from: total(a), to: total(b) },
  };
}

function compareBases(platform: string, a: ImageFacts, b: ImageFacts): TextChange[] {
  const [from, to] = [a.platforms.get(platform), b.platforms.get(platform)];
  if (from === undefined || to === undefined || from.base.join() === to.base.join()) return [];
  const change: TextChange = { key: platform };
  if (from.baseName !== undefined) change.from = from.baseName;
  if (to.baseName !== undefined) change.to = to.baseName;
  return [change];
}

function compareFiles(a: ImageFacts, b: ImageFacts): Pick<ImageDiff, 'files' | 'sameFiles'> {
  const files: FileChange[] = [];
  let sameFiles = 0;
  for (const path of [...new Set([...a.files.keys(), ...b.files.keys()])].sort(compareBytes)) {
    const [from, to] = [a.files.get(path), b.files.get(path)];
    const change = changeOf(from, to);
    if (change === undefined) sameFiles++;
    else
      files.push({
        path,
        kind: kindOfFile(path),
        change,
        ...(from && { from: from.size }),
        ...(to && { to: to.size }),
      });
  }
  return { files, sameFiles };
}

function changeOf(from: ImageFile | undefined, to: ImageFile | undefined): FileChange['change'] | undefined {
  if (from === undefined) return 'added';
  if (to === undefined) return 'removed';
  if (from.size !== to.size) return 'changed';
  if (from.sha256 !== undefined && to.sha256 !== undefined)
    return from.sha256 === to.sha256 ? undefined : 'changed';
  return from.layer === to.layer ? undefined : 'unknown';
}

function compareTexts(a: Record<string, string>, b: Record<string, string>): TextChange[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort(compareBytes).flatMap((key) => {
    const [from, to] = [a[key], b[key]];
    if (from === to) return [];
    return [{ key, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
  });
}

function total({ files }: ImageFacts): number {
  return [...files.values()].reduce((sum, { size }) => sum + size, 0);
}

type Parts = Pick<ImageDiff, 'files' | 'unread' | 'base' | 'platforms' | 'config' | 'annotations'>;

/** What changed, the most important first. */
function summaryOf({ files, unread, base, platforms, config, annotations }: Parts): string[] {
  const order: FileKind[] = ['weights', 'tokenizer', 'code', 'configuration', 'documentation', 'other'];
  const known = files.filter(({ change }) => change !== 'unknown');
  const changed = order.flatMap((kind) => {
    const own = known.filter((file) => file.kind === kind);
    return own.length === 0 ? [] : [describeKind(kind, own)];
  });
  const maybe = files.length - known.length;
  if (maybe > 0) changed.push(`perhaps ${maybe} ${maybe === 1 ? 'file' : 'files'} of the same size`);
  if (unread.length > 0)
    changed.push(`layers that do not list their files (${unread.length}; --read-layers reads them)`);
  if (base.length > 0) changed.push('the base');
  if (platforms.added.length + platforms.removed.length > 0) changed.push('the platforms');
  if (config.length > 0) changed.push('the config');
  if (annotations.some(({ key }) => !naming.test(key))) changed.push('annotations');
  return changed;
}

function describeKind(kind: FileKind, files: readonly FileChange[]): string {
  const name = kind === 'other' ? 'other files' : kind;
  const [only] = files;
  return files.length === 1 && only !== undefined
    ? `${name} (${only.path})`
    : `${name} (${files.length} files)`;
}

function sentence(changed: readonly string[], isSame: boolean, annotations: readonly TextChange[]): string {
  if (isSame) return 'the same image';
  const [only] = changed;
  if (only === undefined)
    return annotations.length === 0
      ? 'the same content in another image'
      : `only the annotated ${list(
          annotations.map(({ key }) => key.replace(/^.*\./, '')),
          'and',
        )} changed`;
  if (changed.length === 1) return `only ${only} changed`;
  return `${changed.slice(0, -1).join(', ')} and ${changed.at(-1)} changed`;
}
