/** ONNX models written field by field (onnx/onnx.proto; protobuf.dev, "Encoding"). */

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** A field: a number, a text, or a message of fields. */
export function field(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A ValueInfoProto: a tensor's name, element type and dimensions; a text is a symbol, null an unknown size. */
export function tensor(name: string, type: number, shape: (number | string | null)[]): Buffer {
  const dims = shape.map((size) =>
    field(1, size === null ? Buffer.alloc(0) : field(typeof size === 'number' ? 1 : 2, size)),
  );
  const tensorType = Buffer.concat([field(1, type), field(2, Buffer.concat(dims))]);
  return Buffer.concat([field(1, name), field(2, field(1, tensorType))]);
}

/** A ModelProto with these inputs and outputs. */
export function onnxModel(
  inputs: Buffer[],
  outputs: Buffer[],
  { opsets = { '': 13 } as Record<string, number>, graph = [] as Buffer[] } = {},
): Buffer {
  const parts = [...graph, ...inputs.map((one) => field(11, one)), ...outputs.map((one) => field(12, one))];
  return Buffer.concat([
    field(1, 8),
    field(2, 'pytorch'),
    field(3, '2.5.1'),
    field(7, Buffer.concat(parts)),
    ...Object.entries(opsets).map(([domain, version]) =>
      field(8, Buffer.concat([...(domain === '' ? [] : [field(1, domain)]), field(2, version)])),
    ),
  ]);
}
