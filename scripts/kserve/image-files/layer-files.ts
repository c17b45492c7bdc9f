import { BrokenTar, blockSize, type Header, parseHeader } from '../../verify/header.ts';
import { cleanPath, modelsRoot } from '../../verify/paths.ts';
import { type Pax, parsePax, paxBytes, paxSize } from '../../verify/pax.ts';
import { brokenLayer, type TarBytes } from './tar-bytes.ts';

/** Members of one layer, and bytes of a long name or PAX header. As in `verify`. */
const mostMembers = 200_000;
const mostExtension = 1024 ** 2;
const withoutContent = /^[1-6]$/;

/** A regular file below /models. */
export interface Place {
  /** Offset of its content in the tar. */
  at: number;
  /** Bytes. */
  size: number;
}

/** The files below /models in one layer, found by walking through its tar as far as it is needed. */
export class LayerFiles {
  readonly tar: TarBytes;
  /** By path below /models. */
  readonly #found = new Map<string, Place>();
  #next = 0;
  #members = 0;
  #ended = false;

  constructor(tar: TarBytes) {
    this.tar = tar;
  }

  /** A file's place; undefined where the layer has none. Fails with code `integrity` for a broken tar. */
  async find(path: string): Promise<Place | undefined> {
    while (!this.#found.has(path) && !this.#ended) await this.#walk();
    return this.#found.get(path);
  }

  /** All files of the layer. */
  async all(): Promise<ReadonlyMap<string, Place>> {
    while (!this.#ended) await this.#walk();
    return this.#found;
  }

  /** Reads the next member's headers. */
  async #walk(): Promise<void> {
    try {
      await this.#member();
    } catch (error) {
      if (error instanceof BrokenTar) throw brokenLayer(error.message, error);
      throw error;
    }
  }

  async #member(): Promise<void> {
    let pax: Pax | undefined;
    let longName: Buffer | undefined;
    for (;;) {
      if (++this.#members > mostMembers) throw new BrokenTar('a layer has too many members');
      const header = await this.#header();
      if (header === undefined) return;
      const { type } = header;
      const at = this.#next + blockSize;
      if (type === 'L' || type === 'x') {
        if (header.size > mostExtension) throw new BrokenTar('a name or PAX header is too long');
        const bytes = await this.tar.read(at, header.size);
        if (type === 'L')
          longName = bytes.subarray(0, bytes.indexOf(0) === -1 ? undefined : bytes.indexOf(0));
        else pax = parsePax(bytes);
        this.#go(at, header.size);
        continue;
      }
      const size = paxSize(pax) ?? header.size;
      this.#go(at, withoutContent.test(type) ? 0 : size);
      const name = paxBytes(pax, 'path') ?? longName ?? Buffer.from(header.name);
      const path = cleanPath(name.toString('utf8'));
      const isFile = type === '0' || type === '7';
      if (isFile && path.startsWith(`${modelsRoot}/`))
        this.#found.set(path.slice(modelsRoot.length + 1), { at, size });
      return;
    }
  }

  /** The header at the current place; undefined at the end of the tar. */
  async #header(): Promise<Header | undefined> {
    const block = await this.tar.read(this.#next, blockSize);
    const header = block.length < blockSize ? undefined : parseHeader(block);
    if (header === undefined) this.#ended = true;
    return header;
  }

  #go(at: number, size: number): void {
    this.#next = at + Math.ceil(size / blockSize) * blockSize;
  }
}
