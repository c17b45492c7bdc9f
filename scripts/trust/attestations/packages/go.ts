import { purlOf } from '../purl.ts';
import type { Package } from './types.ts';

/** Beginning of the information that Go's linker writes into every program (debug/buildinfo in Go's source). */
const magic = Buffer.from('\xff Go buildinf:', 'latin1');
const headerSize = 32;
/** The magic is aligned. In debug/buildinfo's own code, the same bytes are not. */
const alignment = 16;
/** Flag of the form since Go 1.18: the strings follow the header. */
const inline = 2;
/** Bytes of the information; of Kubernetes it has 30 kB. */
const most = 1024 ** 2;

/** The information of one program. */
export interface GoBuild {
  /** `go1.26.8`. */
  version: string;
  /** Lines `dep<tab>module<tab>version<tab>sum` and the like. */
  modules: string;
}

/** Searches the bytes of a program, in chunks, for what Go's linker wrote into it. */
export class GoBuildFinder {
  #kept = Buffer.alloc(0);
  /** Offset of the first kept byte in the program. */
  #at = 0;
  #found: GoBuild | undefined;

  push(chunk: Uint8Array): void {
    if (this.#found !== undefined) return;
    this.#kept = Buffer.concat([this.#kept, chunk]);
    this.#search(false);
  }

  /** Call after the last chunk: undefined for a program that is not Go's, or older than Go 1.18. */
  end(): GoBuild | undefined {
    if (this.#found === undefined) this.#search(true);
    return this.#found;
  }

  #search(isEnd: boolean): void {
    let from = 0;
    for (;;) {
      const at = this.#kept.indexOf(magic, from);
      if (at === -1) {
        this.#forget(Math.max(from, this.#kept.length - magic.length + 1));
        return;
      }
      if ((this.#at + at) % alignment === 0) {
        if (!isEnd && this.#kept.length < at + most) {
          this.#forget(at);
          return;
        }
        this.#found = parse(this.#kept.subarray(at, at + most));
        if (this.#found !== undefined) return;
      }
      from = at + 1;
    }
  }

  #forget(bytes: number): void {
    this.#kept = this.#kept.subarray(bytes);
    this.#at += bytes;
  }
}

function parse(bytes: Buffer): GoBuild | undefined {
  if (bytes.length < headerSize || ((bytes[magic.length + 1] ?? 0) & inline) === 0) return undefined;
  const version = textAt(bytes, headerSize);
  const modules = version && textAt(bytes, version.end);
  if (version === undefined || modules === undefined || !version.text.startsWith('go')) return undefined;
  // The linker puts 16 bytes before and after the lines.
  const { text } = modules;
  const lines = text.length >= 33 && text.at(-17) === '\n' ? text.slice(16, -16) : '';
  return { version: version.text, modules: Buffer.from(lines, 'latin1').toString('utf8') };
}

/** A string with its length in front (a varint of encoding/binary). One character is one byte. */
function textAt(bytes: Buffer, at: number): { text: string; end: number } | undefined {
  let length = 0;
  for (let shift = 0, next = at; shift < 28; shift += 7, next++) {
    const byte = bytes[next];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      const end = next + 1 + length;
      return end > bytes.length ? undefined : { text: bytes.toString('latin1', next + 1, end), end };
    }
  }
  return undefined;
}

/** The modules of a program, its own one and Go's standard library included; a replaced module is its replacement. */
export function goPackages({ version, modules }: GoBuild): Package[] {
  const found: Package[] = [
    {
      name: 'stdlib',
      version,
      purl: purlOf({ type: 'golang', name: 'stdlib', version: version.replace(/^go/, '') }),
    },
  ];
  for (const line of modules.split('\n')) {
    const [kind, name, stated] = line.split('\t');
    if (!name || (kind !== 'mod' && kind !== 'dep' && kind !== '=>')) continue;
    if (kind === '=>') found.pop();
    found.push(moduleOf(name, stated === '(devel)' ? undefined : stated));
  }
  return found;
}

function moduleOf(path: string, version: string | undefined): Package {
  const slash = path.lastIndexOf('/');
  const purl = purlOf({
    type: 'golang',
    namespace: slash === -1 ? undefined : path.slice(0, slash),
    name: path.slice(slash + 1),
    version,
  });
  return { name: path, ...(version && { version }), purl };
}
