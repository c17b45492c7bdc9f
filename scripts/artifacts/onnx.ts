import { ProtobufWalker, type Schema } from '../formats/protobuf.ts';
import { type ByteSource, Unreadable } from './source.ts';

/** An input or output of a graph. */
export interface OnnxTensor {
  name: string;
  /** `TensorProto.DataType`; undefined for a sequence or map. */
  type?: number;
  /** Each dimension: its size, its symbol, or undefined where neither is given. Absent for an unknown rank. */
  shape?: (number | string | undefined)[];
}

/** What an ONNX model says of itself. */
export interface OnnxModel {
  inputs: OnnxTensor[];
  outputs: OnnxTensor[];
  irVersion?: number;
  /** Operator set by domain; the default domain is `ai.onnx`. */
  opsets: Map<string, number>;
  /** What exported it, such as `pytorch`, with its version. */
  producer?: { name: string; version: string };
}

// The messages of onnx/onnx.proto, with their field numbers.
const dimension: Schema = { name: 'Dimension', fields: { 1: 'number', 2: 'text' } };
const shape: Schema = { name: 'TensorShapeProto', fields: { 1: { message: dimension } } };
const tensorType: Schema = { name: 'TypeProto.Tensor', fields: { 1: 'number', 2: { message: shape } } };
const type: Schema = { name: 'TypeProto', fields: { 1: { message: tensorType } } };
const input: Schema = { name: 'ValueInfoProto', fields: { 1: 'text', 2: { message: type } } };
const output: Schema = { name: 'ValueInfoProto', fields: { 1: 'text', 2: { message: type } } };
const initializer: Schema = { name: 'TensorProto', fields: { 8: 'text' } };
const graph: Schema = {
  name: 'GraphProto',
  fields: { 5: { message: initializer }, 11: { message: input }, 12: { message: output } },
};
const opset: Schema = { name: 'OperatorSetIdProto', fields: { 1: 'text', 2: 'number' } };
const model: Schema = {
  name: 'ModelProto',
  fields: { 1: 'number', 2: 'text', 3: 'text', 7: { message: graph }, 8: { message: opset } },
};

/** Bytes of a read; fields that are longer and not needed are skipped. */
const narrowest = 16 * 1024;
const widest = 1024 ** 2;
/** Bytes read of one file: what is read are names, not weights. */
const mostRead = 64 * 1024 ** 2;
const mostTensors = 10_000;
/** A size beyond it is one that the graph leaves open: a negative number. */
const largest = 2 ** 31;

/**
 * Reads an ONNX model's inputs, outputs and versions; weights are skipped. Undefined when it is none. An initializer is
 * no input, though old models list it as one.
 */
export async function readOnnx(source: ByteSource): Promise<OnnxModel | undefined> {
  const notes = new Notes();
  const walker = new ProtobufWalker(model, source.size, notes);
  let read = 0;
  let width = narrowest;
  try {
    while (walker.wants < source.size) {
      const at = walker.wants;
      const bytes = await source.read(at, width);
      if (bytes.length === 0) break;
      read += bytes.length;
      if (read > mostRead) return undefined;
      walker.take(bytes);
      width = walker.wants > at + bytes.length ? narrowest : Math.min(widest, 2 * width);
    }
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
  return notes.model();
}

class Notes {
  readonly #inputs: OnnxTensor[] = [];
  readonly #outputs: OnnxTensor[] = [];
  readonly #initializers = new Set<string>();
  readonly #opsets = new Map<string, number>();
  readonly #producer = { name: '', version: '' };
  #irVersion: number | undefined;
  #hasGraph = false;
  /** The message being read. */
  #name = '';
  #type: number | undefined;
  #shape: OnnxTensor['shape'];
  #dimensions: (number | string | undefined)[] = [];
  #dimension: number | string | undefined;
  #opset = { domain: '', version: 0 };

  value(schema: Schema, field: number, value: string | number): void {
    if (schema === model && typeof value === 'number') this.#irVersion = value;
    else if (schema === model) this.#producer[field === 2 ? 'name' : 'version'] = String(value);
    else if (schema === opset && field === 1) this.#opset.domain = String(value);
    else if (schema === opset) this.#opset.version = Number(value);
    else if (schema === dimension) this.#dimension = sizeOf(value);
    else if (schema === tensorType) this.#type = Number(value);
    else this.#name = String(value);
  }

  close(schema: Schema): void {
    if (schema === dimension) {
      this.#dimensions.push(this.#dimension);
      this.#dimension = undefined;
    } else if (schema === shape) {
      this.#shape = this.#dimensions;
      this.#dimensions = [];
    } else if (schema === input || schema === output) this.#tensor(schema === input);
    else if (schema === initializer) {
      if (this.#initializers.size < mostTensors * 10) this.#initializers.add(this.#name);
      this.#name = '';
    } else if (schema === opset) {
      this.#opsets.set(this.#opset.domain === '' ? 'ai.onnx' : this.#opset.domain, this.#opset.version);
      this.#opset = { domain: '', version: 0 };
    } else if (schema === graph) this.#hasGraph = true;
    if (this.#dimensions.length > 100 || this.#opsets.size > 100) throw new Unreadable('it is no ONNX model');
  }

  model(): OnnxModel | undefined {
    if (!this.#hasGraph || this.#irVersion === undefined || this.#outputs.length === 0) return undefined;
    return {
      inputs: this.#inputs.filter(({ name }) => !this.#initializers.has(name)),
      outputs: this.#outputs,
      irVersion: this.#irVersion,
      opsets: this.#opsets,
      ...(this.#producer.name !== '' && { producer: this.#producer }),
    };
  }

  #tensor(isInput: boolean): void {
    const list = isInput ? this.#inputs : this.#outputs;
    if (list.length > mostTensors) throw new Unreadable('it has too many inputs');
    list.push({
      name: this.#name,
      ...(this.#type !== undefined && { type: this.#type }),
      ...(this.#shape !== undefined && { shape: this.#shape }),
    });
    this.#name = '';
    this.#type = undefined;
    this.#shape = undefined;
  }
}

function sizeOf(value: string | number): number | string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return value < largest ? value : undefined;
}
