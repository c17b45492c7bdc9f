import { type GgufFacts, GgufReader } from '../formats/gguf.ts';
import type { ByteSource } from './source.ts';

/** Bytes of the first read; each further one in a row doubles, up to `widest`. */
const narrowest = 64 * 1024;
const widest = 4 * 1024 ** 2;
/** Bytes read of one file: vocabularies have some MiB. */
const mostRead = 128 * 1024 ** 2;

/** What a GGUF file's header says. Undefined when it is damaged. */
export async function readGguf(source: ByteSource, path: string): Promise<GgufFacts | undefined> {
  const reader = new GgufReader(path, source.size);
  let width = narrowest;
  for (let read = 0; reader.wants < source.size && read < mostRead; ) {
    const at = reader.wants;
    const bytes = await source.read(at, Math.min(width, source.size - at));
    if (bytes.length === 0) break;
    read += bytes.length;
    while (reader.wants < at + bytes.length) reader.take(bytes.subarray(reader.wants - at));
    width = reader.wants > at + 2 * bytes.length ? narrowest : Math.min(widest, 2 * width);
  }
  return reader.end().problem === undefined ? reader.facts : undefined;
}
