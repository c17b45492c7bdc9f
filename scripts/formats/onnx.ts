import { ProtobufWalker, type Schema } from './protobuf.ts';
import { type Finding, type FormatReader, mostNamed } from './reader.ts';

// The messages of onnx/onnx.proto that can contain tensors, with their field numbers.
const entry: Schema = { name: 'StringStringEntryProto', fields: { 1: 'text', 2: 'text' } };
const tensor: Schema = { name: 'TensorProto', fields: { 13: { message: entry }, 14: 'number' } };
const sparse: Schema = {
  name: 'SparseTensorProto',
  fields: { 1: { message: tensor }, 2: { message: tensor } },
};
const graph: Schema = { name: 'GraphProto', fields: { 5: { message: tensor }, 15: { message: sparse } } };
const attribute: Schema = {
  name: 'AttributeProto',
  fields: {
    5: { message: tensor },
    6: { message: graph },
    10: { message: tensor },
    11: { message: graph },
    22: { message: sparse },
    23: { message: sparse },
  },
};
const node: Schema = { name: 'NodeProto', fields: { 5: { message: attribute } } };
graph.fields[1] = { message: node };
const training: Schema = {
  name: 'TrainingInfoProto',
  fields: { 1: { message: graph }, 2: { message: graph } },
};
const functions: Schema = { name: 'FunctionProto', fields: { 7: { message: node } } };
const graphField = 7;
const model: Schema = {
  name: 'ModelProto',
  fields: {
    1: 'number',
    [graphField]: { message: graph },
    20: { message: training },
    25: { message: functions },
  },
};
/** `TensorProto.DataLocation.EXTERNAL`: external_data counts only with this value. */
const external = 1;

/**
 * Reads which files hold an ONNX model's tensors (onnx docs/ExternalData.md): `location`, relative to the model's
 * folder, and with `offset` and `length` the bytes that the file must have. Weights in the model itself are skipped.
 * Bytes that are not protobuf are accepted; a graph that would end after the file's end is reported.
 */
export class OnnxReader implements FormatReader {
  readonly #walker: ProtobufWalker;
  readonly #size: number;
  /** Location → bytes needed. */
  readonly #locations = new Map<string, number>();
  #named = 0;
  #version = false;
  #isExternal = false;
  #key = '';
  #value = '';
  /** external_data of the tensor being read. */
  #entries = new Map<string, string>();

  constructor(size: number) {
    this.#size = size;
    this.#walker = new ProtobufWalker(model, size, {
      value: (schema, field, value) => this.#take(schema, field, value),
      close: (schema) => this.#close(schema),
    });
  }

  get wants(): number {
    return this.#walker.wants;
  }

  take(bytes: Uint8Array): void {
    this.#walker.take(bytes);
  }

  end(): Finding {
    if (this.#version && this.#walker.cutField === graphField)
      return { problem: `is truncated: its graph does not end within its ${this.#size} bytes` };
    const needs = [...this.#locations].map(([name, bytes]) => ({ name, ...(bytes > 0 && { bytes }) }));
    return { needs, role: 'external data' };
  }

  #take(schema: Schema, field: number, value: string | number): void {
    if (schema === model) this.#version = true;
    else if (schema === tensor) this.#isExternal = value === external;
    else if (field === 1) this.#key = String(value);
    else this.#value = String(value);
  }

  #close(schema: Schema): void {
    if (schema === entry) {
      if (/^(location|offset|length)$/.test(this.#key)) this.#entries.set(this.#key, this.#value);
      this.#key = '';
      this.#value = '';
    }
    if (schema !== tensor) return;
    if (this.#isExternal) this.#note();
    this.#isExternal = false;
    this.#entries = new Map();
  }

  #note(): void {
    const location = this.#entries.get('location') ?? '';
    const needed = numberOf(this.#entries.get('offset')) + numberOf(this.#entries.get('length'));
    const known = this.#locations.get(location);
    if (known === undefined) this.#named += location.length + 1;
    if (this.#named > mostNamed) return;
    this.#locations.set(location, Math.max(known ?? 0, needed));
  }
}

function numberOf(text = '0'): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
