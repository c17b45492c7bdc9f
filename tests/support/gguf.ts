/** GGUF files, built by hand from the specification of the format, for tests. */

type Value = string | { u32: number } | { u16: number } | { texts: string[] } | { f32: number[] };

export interface GgufParts {
  version?: number;
  values?: Record<string, Value>;
  /** `type`: 0 is F32; 12 is Q4_K, of which 256 elements have 144 bytes. */
  tensors?: { name: string; shape: number[]; type?: number; offset: number }[];
  /** The stated number of tensors. */
  count?: number;
  /** Bytes after the padded header. */
  data?: number;
  alignment?: number;
}

/** A GGUF file with these parts; any of them can be wrong. */
export function ggufOf({ version = 3, values = {}, tensors = [], ...more }: GgufParts): Buffer {
  const { count = tensors.length, data = 0, alignment = 32 } = more;
  const entries = Object.entries(values).map(([key, value]) => Buffer.concat([text(key), entryOf(value)]));
  const infos = tensors.map(({ name, shape, type = 0, offset }) =>
    Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)]),
  );
  const head = [Buffer.from('GGUF'), u32(version), u64(count), u64(entries.length), ...entries, ...infos];
  const header = Buffer.concat(head);
  const padding = (alignment - (header.length % alignment)) % alignment;
  return Buffer.concat([header, Buffer.alloc(padding + data)]);
}

/** A complete model of one tensor. */
export function gguf(values: Record<string, Value> = {}): Buffer {
  const tensors = [{ name: 'token_embd.weight', shape: [8, 4], offset: 0 }];
  return ggufOf({ values: { 'general.architecture': 'llama', ...values }, tensors, data: 128 });
}

function entryOf(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)]);
  if ('u32' in value) return Buffer.concat([u32(4), u32(value.u32)]);
  if ('u16' in value) return Buffer.concat([u32(2), u32(value.u16).subarray(0, 2)]);
  if ('f32' in value)
    return Buffer.concat([u32(9), u32(6), u64(value.f32.length), Buffer.alloc(4 * value.f32.length)]);
  return Buffer.concat([u32(9), u32(8), u64(value.texts.length), ...value.texts.map(text)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
