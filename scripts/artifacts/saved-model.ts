import { ProtobufWalker, type Schema } from '../formats/protobuf.ts';
import { type ByteSource, Unreadable } from './source.ts';

/** An input or output of a signature. */
export interface SignatureTensor {
  name: string;
  /** `DataType` of tensorflow/core/framework/types.proto. */
  type: number;
  /** Undefined for a dimension of any size; absent for an unknown rank. */
  shape?: (number | undefined)[];
}

/** What a SavedModel says of itself. */
export interface SavedModel {
  /** Of the signature `serving_default`, which TensorFlow Serving takes where a request names none. */
  inputs: SignatureTensor[];
  /** The version of TensorFlow that wrote it. */
  version?: string;
}

// The messages of tensorflow/core/protobuf/saved_model.proto and meta_graph.proto; the graph (field 2) is skipped.
const dimension: Schema = { name: 'Dim', fields: { 1: 'number' } };
const shape: Schema = { name: 'TensorShapeProto', fields: { 2: { message: dimension }, 3: 'number' } };
const tensor: Schema = { name: 'TensorInfo', fields: { 1: 'text', 2: 'number', 3: { message: shape } } };
const input: Schema = { name: 'InputsEntry', fields: { 1: 'text', 2: { message: tensor } } };
const signature: Schema = { name: 'SignatureDef', fields: { 1: { message: input } } };
const entry: Schema = { name: 'SignatureDefEntry', fields: { 1: 'text', 2: { message: signature } } };
const information: Schema = { name: 'MetaInfoDef', fields: { 4: 'text', 5: 'text' } };
const graph: Schema = {
  name: 'MetaGraphDef',
  fields: { 1: { message: information }, 5: { message: entry } },
};
const model: Schema = { name: 'SavedModel', fields: { 1: 'number', 2: { message: graph } } };

const width = 256 * 1024;
/** Bytes read of one file: the graph, which can hold weights, is not. */
const mostRead = 64 * 1024 ** 2;
const mostTensors = 10_000;
/** A size beyond it is -1, one that the graph leaves open. */
const largest = 2 ** 31;

/** Reads a SavedModel's signature. Undefined when it has none of that name, or is no SavedModel. */
export async function readSavedModel(source: ByteSource): Promise<SavedModel | undefined> {
  const notes = new Notes();
  const walker = new ProtobufWalker(model, source.size, notes);
  try {
    for (let read = 0; walker.wants < source.size && read < mostRead; ) {
      const bytes = await source.read(walker.wants, Math.min(width, source.size - walker.wants));
      if (bytes.length === 0) break;
      read += bytes.length;
      walker.take(bytes);
    }
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
  return notes.found;
}

class Notes {
  found: SavedModel | undefined;
  #version: string | undefined;
  #key = '';
  #name = '';
  #type = 0;
  #sizes: (number | undefined)[] = [];
  #size = 0;
  #hasRank = false;
  #isUnknown = false;
  #inputs: SignatureTensor[] = [];

  value(schema: Schema, field: number, value: string | number): void {
    if (schema === information && field === 5) this.#version = String(value);
    else if (schema === entry) this.#key = String(value);
    else if (schema === input) this.#name = String(value);
    else if (schema === tensor && field === 2) this.#type = Number(value);
    else if (schema === dimension) this.#size = Number(value);
    else if (schema === shape) this.#isUnknown = value !== 0;
  }

  close(schema: Schema): void {
    if (schema === dimension) {
      if (this.#sizes.length > 100) throw new Unreadable('it is no SavedModel');
      this.#sizes.push(this.#size < largest ? this.#size : undefined);
      this.#size = 0;
    } else if (schema === shape) this.#hasRank = !this.#isUnknown;
    else if (schema === input) this.#input();
    else if (schema === entry) this.#signature();
  }

  #input(): void {
    if (this.#inputs.length > mostTensors) throw new Unreadable('it has too many inputs');
    this.#inputs.push({
      name: this.#name,
      type: this.#type,
      ...(this.#hasRank && { shape: this.#sizes }),
    });
    this.#name = '';
    this.#type = 0;
    this.#sizes = [];
    this.#hasRank = false;
    this.#isUnknown = false;
  }

  #signature(): void {
    if (this.#key === 'serving_default' && this.found === undefined) {
      const version = this.#version;
      this.found = { inputs: this.#inputs, ...(version !== undefined && version !== '' && { version }) };
    }
    this.#key = '';
    this.#inputs = [];
  }
}
