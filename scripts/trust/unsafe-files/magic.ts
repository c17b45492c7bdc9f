/** Formats by their first bytes. */
export type Format =
  | 'executable'
  | 'script'
  | 'pickle'
  | 'zip'
  | 'npy'
  | 'zlib'
  | 'gzip'
  | 'zstd'
  | 'bzip2'
  | 'xz'
  | 'lzma'
  | 'lz4'
  | 'gguf'
  | 'hdf5'
  | 'tar';

/** Bytes that `formatOf` looks at; a tar archive has its mark at 257. */
export const headBytes = 265;

/** ELF; Mach-O of both byte orders and widths, and of several machines (also Java's class files); PE. */
const executables = [
  '\x7fELF',
  '\xfe\xed\xfa\xce',
  '\xfe\xed\xfa\xcf',
  '\xce\xfa\xed\xfe',
  '\xcf\xfa\xed\xfe',
  '\xca\xfe\xba\xbe',
];

const magics: readonly (readonly [Format, string])[] = [
  ['zip', 'PK\x03\x04'],
  // An empty archive, and one in parts.
  ['zip', 'PK\x05\x06'],
  ['zip', 'PK\x07\x08'],
  ['npy', '\x93NUMPY'],
  ['gzip', '\x1f\x8b'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['bzip2', 'BZh'],
  ['xz', '\xfd7zXZ\0'],
  ['lz4', '\x04\x22\x4d\x18'],
  ['gguf', 'GGUF'],
  ['hdf5', '\x89HDF\r\n\x1a\n'],
];

/** The format of a file by its first `headBytes`; undefined for any other. `isPickle`: its name says so. */
export function formatOf(head: Buffer, isPickle: boolean): Format | undefined {
  const text = head.toString('latin1');
  if (executables.some((magic) => text.startsWith(magic))) return 'executable';
  if (text.startsWith('MZ') && text.slice(0, 64).includes('\0')) return 'executable';
  if (text.startsWith('#!')) return 'script';
  // PROTO, also of versions that do not use it. A text in UTF-8 never starts with it.
  if (text[0] === '\x80' && (head[1] ?? 255) <= 5) return 'pickle';
  if (isZlib(head, isPickle)) return 'zlib';
  const found = magics.find(([, magic]) => text.startsWith(magic));
  if (found !== undefined) return found[0];
  // The format before xz has no mark; joblib knows it by these bytes.
  if (isPickle && text.startsWith(']\0\0')) return 'lzma';
  return text.slice(257, 262) === 'ustar' ? 'tar' : undefined;
}

/** A zlib header (RFC 1950); text can start with one, `x^`. */
function isZlib(head: Buffer, isPickle: boolean): boolean {
  const [first = 0, second = 0] = head;
  if (first !== 0x78 || (first * 256 + second) % 31 !== 0) return false;
  return isPickle || !head.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13));
}
