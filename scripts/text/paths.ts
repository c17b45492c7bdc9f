import { relative } from 'node:path';
import { plain } from './format.ts';

/** Maximum bytes of a path component (NAME_MAX of Linux file systems). */
const longestComponent = 255;
/** Maximum bytes of `/models/<path>` including the final NUL (PATH_MAX of Linux). */
const longestPath = 4096;

/**
 * The problem of a path below /models or below a source; undefined when it is relative, has `/` as separator, no `.`,
 * `..` or empty component, no backslash, no control or direction-changing character, no name that an OCI layer reads as
 * a whiteout (image-spec layer.md, `.wh.`), is not over-long and is valid Unicode. Completes "the path …".
 */
export function checkPath(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (!path.isWellFormed()) return 'is not valid Unicode';
  if (path.includes('\0')) return 'holds a NUL character';
  if (/\p{Cc}|\p{Zl}|\p{Zp}/u.test(path)) return 'holds a control character';
  // Bidirectional marks make a name look like a different one.
  if (/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(path)) return 'holds a direction mark';
  if (path.includes('\\')) return 'holds a backslash; the separator is `/`';
  if (path.startsWith('/')) return 'is absolute; it must be relative';
  for (const component of path.split('/')) {
    if (component === '') return path.endsWith('/') ? 'ends with `/`' : 'holds an empty component (`//`)';
    if (component === '.' || component === '..') return `holds the component \`${component}\``;
    if (component.startsWith('.wh.')) return 'holds a name with `.wh.`, which deletes files in an OCI layer';
    const bytes = Buffer.byteLength(component);
    if (bytes > longestComponent)
      return `holds a name of ${bytes} bytes; at most ${longestComponent} can be unpacked`;
  }
  const bytes = Buffer.byteLength(path) + '/models/\0'.length;
  if (bytes > longestPath)
    return `has ${bytes} bytes with /models in front; at most ${longestPath} can be unpacked`;
  return undefined;
}

/** Two paths that cannot both be unpacked everywhere. */
export interface Clash {
  first: string;
  second: string;
  /** Positions in the input list. */
  indices: [number, number];
  /** Completes "first and second …". */
  why: string;
}

/**
 * Paths that cannot coexist: duplicates, paths equal but for case or Unicode normal form (one file on macOS and
 * Windows), and a file whose path another path uses as a folder.
 */
export function checkClashes(paths: readonly string[]): Clash[] {
  const clashes: Clash[] = [];
  const files = new Map<string, number>();
  const folders = new Map<string, number>();
  const clash = (first: number, second: number, why: string) =>
    clashes.push({ first: paths[first] ?? '', second: paths[second] ?? '', indices: [first, second], why });
  for (const [index, path] of paths.entries()) {
    const folded = fold(path);
    const same = files.get(folded);
    if (same === undefined) files.set(folded, index);
    else if (paths[same] === path) clash(same, index, 'are the same path');
    else clash(same, index, 'differ only in case or Unicode form');
    for (let slash = folded.indexOf('/'); slash !== -1; slash = folded.indexOf('/', slash + 1)) {
      const folder = folded.slice(0, slash);
      if (!folders.has(folder)) folders.set(folder, index);
    }
  }
  for (const [folded, file] of files) {
    const below = folders.get(folded);
    if (below !== undefined) clash(file, below, 'need one name for a file and a folder');
  }
  return clashes;
}

/** Compares by UTF-8 bytes, the order of image layers and locks. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function fold(path: string): string {
  return path.toLowerCase().normalize('NFC');
}

/** A file as the user would write it: relative to the working folder when that is shorter. */
export function displayPath(file: string): string {
  const short = relative(process.cwd(), file);
  return plain(short !== '' && short.length < file.length ? short : file, 4096);
}
