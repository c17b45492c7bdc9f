/** Files of the supported formats, built by hand from their specifications, for tests. */

/** A tensor's entry in the header; a test can make any field wrong. */
export interface TensorEntry {
  dtype?: string;
  shape?: number[];
  data_offsets?: [number, number];
  [key: string]: unknown;
}

/** A safetensors file with this header and `data` bytes after it; `length` is the stated length of the header. */
export function safetensorsOf(header: unknown, data: Uint8Array | number = 0, length?: number): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(length ?? text.length));
  return Buffer.concat([head, text, typeof data === 'number' ? Buffer.alloc(data) : data]);
}

/** A complete safetensors file of one tensor with these bytes. */
export function safetensors(data: Uint8Array): Buffer {
  return safetensorsOf(
    { weight: { dtype: 'U8', shape: [data.length], data_offsets: [0, data.length] } },
    data,
  );
}

/** A protobuf field: a varint, or bytes prefixed with their length. */
export function field(number: number, value: number | string | Uint8Array): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)]);
  const bytes = Buffer.from(value as Uint8Array);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A TensorProto whose data is in another file (onnx/onnx.proto). */
export function externalTensor(entries: Record<string, string>, place = 1): Buffer {
  const data = Object.entries(entries).map(([key, value]) =>
    field(13, Buffer.concat([field(1, key), field(2, value)])),
  );
  return Buffer.concat([field(1, 4), field(2, 1), field(8, 'weight'), ...data, field(14, place)]);
}

/** An ONNX model of one graph with these fields. */
export function onnxOf(...graph: Buffer[]): Buffer {
  return Buffer.concat([field(1, 8), field(2, 'test'), field(7, Buffer.concat(graph))]);
}

/** An ONNX model with an initializer in another file. */
export function onnxWith(location: string, more: Record<string, string> = {}): Buffer {
  return onnxOf(field(2, 'graph'), field(5, externalTensor({ location, ...more })));
}

/** The content that git stores for a file tracked by Git LFS. */
export const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'4d'.repeat(32)}\nsize 4976698672\n`;

function varint(value: number): Buffer {
  const bytes = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Buffer.from([...bytes, rest]);
}
