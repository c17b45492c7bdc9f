import { besideOf, isVariantIndex, isWeightIndex, isWeights, shardExtension } from './names.ts';
import { gapOf } from './parts.ts';
import { type Finding, quoted } from './reader.ts';

/** A file of a model. */
export interface WholeFile {
  /** Path below /models. */
  path: string;
  /** Bytes. */
  size: number;
  /** What its bytes show; undefined when they were not read. */
  finding?: Finding | undefined;
}

/** Why a set of files is not a complete model. */
export interface Incomplete {
  /** The file to report. */
  path: string;
  /** Completes "PATH …". */
  problem: string;
  isPointer?: true;
  /** The file refers to one outside its folder. */
  leadsOut?: true;
  /** A missing file, as a path below /models. */
  missing?: string;
}

/**
 * The first reason why files are not a complete model: one is a Git LFS pointer, a web page, truncated or empty; a
 * weight index or an ONNX model refers to missing files; numbered parts have gaps. Undefined when complete. Unusual
 * sets that some server reads are accepted. `needed`: for each predicate, at least one matching file must not be empty.
 */
export function findIncomplete(
  files: readonly WholeFile[],
  needed: readonly ((path: string) => boolean)[] = [],
): Incomplete | undefined {
  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  for (const { path, finding } of files) {
    const { problem, isPointer } = finding ?? {};
    if (problem !== undefined) return { path, problem, ...(isPointer && { isPointer }) };
  }
  for (const { path, size } of files) {
    if (size === 0 && isWeights(path) && !hasNoWeights(path, sizes)) return { path, problem: 'is empty' };
  }
  for (const matches of needed) {
    const [first, ...others] = files.filter(({ path }) => matches(path));
    if (first?.size === 0 && others.every(({ size }) => size === 0))
      return { path: first.path, problem: 'is empty' };
  }
  for (const file of files) {
    const lost = lostOf(file, sizes);
    if (lost !== undefined) return lost;
  }
  return gapOf([...sizes.keys()]);
}

/** Whether this is OpenVINO's `model.bin`, which is empty next to the `model.xml` of a model without weights. */
function hasNoWeights(path: string, sizes: ReadonlyMap<string, number>): boolean {
  return path.endsWith('.bin') && sizes.has(path.replace(/\.bin$/, '.xml'));
}

/** The first file that this one refers to and that is missing or too short. */
function lostOf({ path, finding }: WholeFile, sizes: ReadonlyMap<string, number>): Incomplete | undefined {
  const { needs = [], role = 'a part' } = finding ?? {};
  if (needs.length > 0 && isWeightIndex(path) && isUnused(path, needs, sizes)) return undefined;
  for (const { name, bytes } of needs) {
    const place = besideOf(path, name);
    if (place === undefined) {
      const problem =
        name === ''
          ? `names no file as ${role}`
          : `names ${quoted(name)} as ${role}, which is outside its folder`;
      return { path, problem, leadsOut: true };
    }
    const size = sizes.get(place);
    if (size === undefined)
      return { path, problem: `names ${quoted(name)} as ${role}, but the file is missing`, missing: place };
    if (bytes !== undefined && size < bytes)
      return {
        path: place,
        problem: `is truncated: it has ${size} bytes, ${quoted(path)} needs ${bytes} of it`,
      };
  }
  return undefined;
}

/**
 * Whether servers ignore this index and read the weights next to it, as in many hub repositories: none of its shards
 * exists, and weights exist in another format, or the index is for a variant that is read only on request.
 */
function isUnused(
  path: string,
  needs: readonly { name: string }[],
  sizes: ReadonlyMap<string, number>,
): boolean {
  const some = needs.some(({ name }) => sizes.has(besideOf(path, name) ?? ''));
  if (some) return false;
  const own = `.${shardExtension(path)}`;
  const other = isVariantIndex(path) ? isWeights : (one: string) => isWeights(one) && !one.endsWith(own);
  return [...sizes].some(([one, size]) => size > 0 && other(one) && !/\.model$/.test(one));
}
