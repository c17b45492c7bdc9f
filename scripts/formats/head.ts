import type { Finding, FormatReader } from './reader.ts';

/** Bytes inspected at a file's start. A Git LFS pointer is shorter (git-lfs docs/spec.md: under 1024). */
export const headBytes = 1024;

/**
 * The first line of a pointer: the current version, or one of the two older ones that git-lfs still reads
 * (lfs/pointer.go).
 */
const pointerStart =
  /^version (https:\/\/git-lfs\.github\.com\/spec\/v1|https:\/\/hawser\.github\.com\/spec\/v1|http:\/\/git-media\.io\/v\/2)\r?\n/;

/** Whether a file of `size` bytes with this beginning is a Git LFS pointer. */
export function isPointer(head: Uint8Array, size: number): boolean {
  if (size >= headBytes) return false;
  const text = Buffer.from(head).toString('latin1');
  return (
    pointerStart.test(text) && /\noid sha256:[0-9a-f]{64}\r?\n/.test(text) && /\nsize \d+\s*$/.test(text)
  );
}

/** Whether a file begins like a web page or an object store's XML error. */
export function isPage(head: Uint8Array): boolean {
  const text = Buffer.from(head)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .replace(/^(\s|<!--[\s\S]*?-->)+/, '');
  if (/^<(!doctype\s+html|html|head|body)[\s>]/i.test(text)) return true;
  return /^<\?xml\s[^>]*\?>\s*(<!doctype\s+html|<html[\s>]|<Error>)/i.test(text);
}

/** Inspects a file's first bytes only: is it a pointer or, with `pages`, a web page? */
export class HeadReader implements FormatReader {
  readonly #size: number;
  readonly #pages: boolean;
  readonly #head: Buffer;
  #seen = 0;

  constructor(size: number, pages: boolean) {
    this.#size = size;
    this.#pages = pages;
    this.#head = Buffer.alloc(Math.min(size, headBytes));
  }

  get wants(): number {
    return this.#seen < this.#head.length ? this.#seen : Number.POSITIVE_INFINITY;
  }

  take(bytes: Uint8Array): void {
    const taken = bytes.subarray(0, this.#head.length - this.#seen);
    this.#head.set(taken, this.#seen);
    this.#seen += taken.length;
  }

  end(): Finding {
    const head = this.#head.subarray(0, this.#seen);
    if (isPointer(head, this.#size))
      return { problem: 'is a Git LFS pointer, not the file', isPointer: true };
    if (this.#pages && isPage(head)) return { problem: 'is a web page, not the file' };
    return {};
  }
}
