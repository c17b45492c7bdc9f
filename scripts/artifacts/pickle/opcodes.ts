/**
 * How the argument of each opcode is read (CPython Lib/pickletools.py): a number is its length in bytes; `lines` are that
 * many lines of text; `counted` has its length before it, in that many bytes.
 */
export type Argument = { bytes: number } | { lines: 1 | 2 } | { counted: 1 | 4 | 8 };

const none: Argument = { bytes: 0 };

/** Opcodes of protocols 0 to 5 with their arguments. */
export const opcodes: ReadonlyMap<number, Argument> = new Map<number, Argument>([
  ...[...'(.012NRabdelostu)]}Q'].map((sign): [number, Argument] => [sign.charCodeAt(0), none]),
  ...[0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x97, 0x98].map(
    (code): [number, Argument] => [code, none],
  ),
  ...[...'FILPSVgp'].map((sign): [number, Argument] => [sign.charCodeAt(0), { lines: 1 }]),
  ...[...'ci'].map((sign): [number, Argument] => [sign.charCodeAt(0), { lines: 2 }]),
  ...[...'KhqUC'].map((sign): [number, Argument] => [
    sign.charCodeAt(0),
    'UC'.includes(sign) ? { counted: 1 } : { bytes: 1 },
  ]),
  [0x4d, { bytes: 2 }], // M
  ...[...'Jjr'].map((sign): [number, Argument] => [sign.charCodeAt(0), { bytes: 4 }]),
  [0x47, { bytes: 8 }], // G
  ...[...'TXB'].map((sign): [number, Argument] => [sign.charCodeAt(0), { counted: 4 }]),
  [0x80, { bytes: 1 }], // PROTO
  [0x82, { bytes: 1 }], // EXT1
  [0x83, { bytes: 2 }], // EXT2
  [0x84, { bytes: 4 }], // EXT4
  [0x8a, { counted: 1 }], // LONG1
  [0x8b, { counted: 4 }], // LONG4
  [0x8c, { counted: 1 }], // SHORT_BINUNICODE
  [0x8d, { counted: 8 }], // BINUNICODE8
  [0x8e, { counted: 8 }], // BINBYTES8
  [0x95, { bytes: 8 }], // FRAME
  [0x96, { counted: 8 }], // BYTEARRAY8
]);
