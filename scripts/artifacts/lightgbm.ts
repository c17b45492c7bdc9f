import { Cursor } from './cursor.ts';
import { type ByteSource, orNothing, Unreadable } from './source.ts';
import { type Column, mostColumns, plainNumbers, type RowsModel } from './types.ts';

/** What a LightGBM model says of itself. */
export interface LightgbmModel {
  rows: RowsModel;
  /** The text format's version, which LightGBM's major version has set since 3: `4`. */
  version?: string;
}

/** Lines before the first tree, and the length of one: feature_names of 20,000 columns. */
const mostLines = 200;
const longestLine = 4 * 1024 ** 2;
const wanted = new Set([
  'version',
  'max_feature_idx',
  'feature_names',
  'feature_infos',
  'num_tree_per_iteration',
]);

/**
 * Reads the header of a LightGBM model as text (src/boosting/gbdt_model_text.cpp, SaveModelToString): `key=value` lines
 * before the first tree. Undefined when it is none.
 */
export async function readLightgbm(source: ByteSource): Promise<LightgbmModel | undefined> {
  return await orNothing(async () => {
    const cursor = await Cursor.open(source);
    const lines = new Map<string, string>();
    const first = (await cursor.line(64)).toString('utf8').trimEnd();
    if (first !== 'tree') throw new Unreadable('it is no LightGBM model');
    for (let count = 0; count < mostLines; count++) {
      const line = (await cursor.line(longestLine)).toString('utf8').trimEnd();
      if (line.startsWith('Tree=') || line.startsWith('end of trees')) break;
      const at = line.indexOf('=');
      const key = line.slice(0, Math.max(0, at));
      if (wanted.has(key)) lines.set(key, line.slice(at + 1));
    }
    return modelOf(lines);
  });
}

function modelOf(lines: ReadonlyMap<string, string>): LightgbmModel {
  const count = numberOf(lines.get('max_feature_idx'), -1) + 1;
  if (count < 1 || count > mostColumns) throw new Unreadable('it does not say how many features it has');
  const names = lines.get('feature_names')?.split(' ') ?? [];
  const infos = lines.get('feature_infos')?.split(' ') ?? [];
  const input = Array.from({ length: count }, (_, at): Column => {
    const [name, values] = [names[at], valuesOf(infos[at])];
    // `Column_0` is LightGBM's own name for a column without one.
    return name === undefined || /^Column_\d+$/.test(name) ? { values } : { name, values };
  });
  const version = /^v?(\d+)$/.exec(lines.get('version') ?? '')?.[1];
  const outputs = Math.max(1, numberOf(lines.get('num_tree_per_iteration'), 1));
  return { rows: { input, outputs }, ...(version !== undefined && { version }) };
}

function numberOf(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
}

/** Of `[4.3:7.9]` the two ends of the range, of categories `1:2:3` the first two, of `none` any numbers. */
function valuesOf(info = 'none'): readonly number[] {
  const numbers = info
    .replace(/^\[|\]$/g, '')
    .split(':')
    .map(Number)
    .filter(Number.isFinite);
  return info === 'none' || numbers.length === 0 ? plainNumbers : numbers.slice(0, 2);
}
