import { Bytes, Global, itemsOf, type Value } from './values.ts';

/** Opcodes whose counted argument is text: STRING's binary forms and UNICODE's. */
const texts = new Set([0x54, 0x55, 0x58, 0x8c, 0x8d]);

/** The plain values of a pickle. */
export const Scalars = {
  /** An unsigned little-endian number of 0 to 8 bytes; one beyond 2^53 becomes Infinity. */
  count(bytes: Buffer): number {
    if (bytes.length <= 6) return bytes.length === 0 ? 0 : bytes.readUIntLE(0, bytes.length);
    const value = Number(bytes.readBigUInt64LE(0));
    return Number.isSafeInteger(value) ? value : Number.MAX_SAFE_INTEGER;
  },

  /** The value of an opcode whose argument has its length before it; a long text is not kept. */
  counted(opcode: number, head: Buffer, length: number): Value {
    if (texts.has(opcode)) return length > head.length ? undefined : head.toString('utf8');
    // LONG1 and LONG4: two's complement.
    if (opcode === 0x8a || opcode === 0x8b) return long(head, length);
    return new Bytes(head, length);
  },

  /** The value of an opcode of fixed length, without those that change the stack. */
  fixed(opcode: number, bytes: Buffer): Value {
    switch (opcode) {
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4a: // BININT
        return bytes.readInt32LE(0);
      case 0x4b: // BININT1
      case 0x4d: // BININT2
        return bytes.readUIntLE(0, bytes.length);
      case 0x47: // BINFLOAT
        return bytes.readDoubleBE(0);
      default: // extensions, buffers outside the pickle
        return undefined;
    }
  },

  /** The value of an opcode with a line of text: `F I L S V`. */
  line(sign: string, text: string): Value {
    if (sign === 'I' && (text === '01' || text === '00')) return text === '01';
    if (sign === 'I' || sign === 'F' || sign === 'L') return Number(text.replace(/L$/, ''));
    if (sign === 'S') return unescaped(/^(['"])(.*)\1$/.exec(text)?.[2] ?? text);
    return unescaped(text);
  },

  /**
   * What a call of a function without effects would return: bytes, which protocol 2 has as
   * `_codecs.encode(text, 'latin1')`. Undefined for every other call.
   */
  made(type: Value, args: Value): Value {
    if (!(type instanceof Global) || type.module !== '_codecs' || type.name !== 'encode') return undefined;
    const [text] = itemsOf(args);
    if (typeof text !== 'string') return new Bytes(Buffer.alloc(0), 0);
    const bytes = Buffer.from(text, 'latin1');
    return new Bytes(bytes, bytes.length);
  },
};

function long(bytes: Buffer, length: number): Value {
  if (length > 8) return undefined;
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return Number(BigInt.asIntN(8 * length, value));
}

/** `\xe9`, `\u00e9` and `\\` as the letters they stand for. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([\\'"]))/gi,
    (_, two?: string, four?: string, sign?: string) =>
      sign ?? String.fromCharCode(Number.parseInt(two ?? four ?? '0', 16)),
  );
}
