/** A field of a message: a nested message to read, or a scalar whose value is needed. */
export type Field = { message: Schema } | 'text' | 'number';

/** The fields to read from a message, by number. */
export interface Schema {
  name: string;
  fields: Record<number, Field>;
}

export interface ProtobufHandler {
  /** A field of the schema; a long text is truncated. */
  value(schema: Schema, field: number, value: string | number): void;
  /** A message of this schema has ended. */
  close(schema: Schema): void;
}

/** Nesting depth: the recursion limit of protobuf's own parsers. */
const mostDepth = 100;
/** Bytes kept of a text: more than Linux' PATH_MAX. */
const longestText = 8192;

/**
 * Walks a protobuf message of any size (protobuf.dev, "Encoding") and skips fields outside its schema, weights above
 * all: `wants` then jumps. Bytes that are not such a message end the walk; whether that is an error is the caller's
 * decision.
 */
export class ProtobufWalker {
  /** Offset of the next byte wanted; Infinity at the end. */
  wants = 0;
  /** The number of an outermost field that would end after the file's end, if any. */
  cutField: number | undefined;
  readonly #handler: ProtobufHandler;
  readonly #open: { schema: Schema; end: number }[];
  /** The varint being read, and its role. */
  #varint = 0;
  #scale = 1;
  #part: 'tag' | 'number' | 'length' | 'text' = 'tag';
  #tag = 0;
  #text: Buffer = Buffer.alloc(0);
  #filled = 0;

  /** `size`: length of the whole message, in bytes. */
  constructor(schema: Schema, size: number, handler: ProtobufHandler) {
    this.#handler = handler;
    this.#open = [{ schema, end: size }];
    this.#go(0);
  }

  /** Takes bytes that begin at `wants`. */
  take(bytes: Uint8Array): void {
    const start = this.wants;
    for (;;) {
      const at = this.wants - start;
      if (at >= bytes.length) return;
      if (this.#part === 'text') this.#takeText(bytes.subarray(at));
      else this.#takeVarint(bytes[at] ?? 0);
    }
  }

  #takeVarint(byte: number): void {
    this.wants++;
    this.#varint += (byte & 0x7f) * this.#scale;
    this.#scale *= 0x80;
    if (byte >= 0x80) {
      // A negative number takes ten bytes.
      if (this.#scale > 2 ** 70) this.#stop();
      return;
    }
    const value = this.#varint;
    this.#varint = 0;
    this.#scale = 1;
    if (this.#part === 'tag') this.#takeTag(value);
    else if (this.#part === 'number') this.#takeNumber(value);
    else this.#takeLength(value);
  }

  #takeTag(tag: number): void {
    this.#tag = tag;
    const type = tag % 8;
    if (tag < 8) {
      this.#stop();
      return;
    }
    if (type === 0) this.#part = 'number';
    else if (type === 2) this.#part = 'length';
    else if (type === 1) this.#go(this.wants + 8);
    else if (type === 5) this.#go(this.wants + 4);
    else this.#stop();
  }

  #takeNumber(value: number): void {
    const { schema, field } = this.#here();
    if (schema.fields[field] === 'number') this.#handler.value(schema, field, value);
    this.#go(this.wants);
  }

  #takeLength(length: number): void {
    const { schema, field, end: limit } = this.#here();
    const end = this.wants + length;
    const wanted = schema.fields[field];
    if (end > limit) {
      if (this.#open.length === 1) this.cutField = field;
      this.#stop();
      return;
    }
    if (typeof wanted === 'object') {
      if (this.#open.length === mostDepth) {
        this.#stop();
        return;
      }
      this.#open.push({ schema: wanted.message, end });
      this.#go(this.wants);
      return;
    }
    if (wanted !== 'text' || length > longestText) {
      this.#go(end);
      return;
    }
    this.#part = 'text';
    this.#text = Buffer.alloc(length);
    this.#filled = 0;
    if (length === 0) this.#endText();
  }

  #takeText(bytes: Uint8Array): void {
    const part = bytes.subarray(0, this.#text.length - this.#filled);
    this.#text.set(part, this.#filled);
    this.#filled += part.length;
    this.wants += part.length;
    if (this.#filled === this.#text.length) this.#endText();
  }

  #endText(): void {
    const { schema, field } = this.#here();
    this.#handler.value(schema, field, this.#text.toString('utf8'));
    this.#go(this.wants);
  }

  /** Continues with the next field at an offset, after closing the messages that end there. */
  #go(at: number): void {
    this.#part = 'tag';
    this.wants = at;
    for (let top = this.#open.at(-1); top !== undefined && at >= top.end; top = this.#open.at(-1)) {
      if (at > top.end) {
        this.#stop();
        return;
      }
      this.#open.pop();
      this.#handler.close(top.schema);
    }
    if (this.#open.length === 0) this.#stop();
  }

  #here(): { schema: Schema; field: number; end: number } {
    const { schema, end } = this.#open.at(-1) ?? { schema: { name: '', fields: {} }, end: 0 };
    return { schema, field: Math.floor(this.#tag / 8), end };
  }

  #stop(): void {
    this.wants = Number.POSITIVE_INFINITY;
  }
}
