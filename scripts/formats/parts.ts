import { isWeights } from './names.ts';

/**
 * `model-00001-of-00003.safetensors`, GGUF's `model-00001-of-00003.gguf`, TensorFlow's `variables.data-00000-of-00001`.
 */
const numbered = /^(?<stem>.*)-(?<number>\d{4,6})-of-(?<total>\d{4,6})(?<tail>\.[\w.]+)?$/;

/** An incomplete set of numbered parts. */
export interface Gap {
  /** An existing part. */
  path: string;
  /** The problem; completes "FILE …". */
  problem: string;
  /** The first missing part; undefined when there are too many. */
  missing?: string;
}

/**
 * The first set of numbered weights with gaps, or with more parts than its names state; counted from 1, or from 0 if a
 * part 0 exists (TensorFlow). `paths` are all files of a model.
 */
export function gapOf(paths: readonly string[]): Gap | undefined {
  const sets = new Map<
    string,
    { path: string; parts: Set<number>; last: number; name: (part: number) => string; total: number }
  >();
  for (const path of paths) {
    const { stem = '', number = '', total = '', tail = '' } = numbered.exec(path)?.groups ?? {};
    if (number === '' || !(tail === '' ? /\.data$/.test(stem) : isWeights(`x${tail}`))) continue;
    const name = (part: number) => `${stem}-${String(part).padStart(number.length, '0')}-of-${total}${tail}`;
    const key = `${stem}\0${total}\0${tail}`;
    const set = sets.get(key) ?? { path, parts: new Set<number>(), last: 0, name, total: Number(total) };
    set.parts.add(Number(number));
    set.last = Math.max(set.last, Number(number));
    sets.set(key, set);
  }
  for (const { path, parts, last, name, total } of sets.values()) {
    const first = parts.has(0) ? 0 : 1;
    if (last > total - 1 + first)
      return { path, problem: `is one of ${total} parts, but ${name(last)} exists` };
    if (parts.size === total) continue;
    let gap = first;
    while (parts.has(gap)) gap++;
    const missing = name(gap);
    return {
      path,
      problem: `is one of ${total} parts, of which ${total - parts.size === 1 ? 'one is' : `${total - parts.size} are`} missing: ${missing}`,
      missing,
    };
  }
  return undefined;
}
