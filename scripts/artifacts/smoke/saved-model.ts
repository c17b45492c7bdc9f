import type { ModelReader, SmokeTest } from '../../model/types.ts';
import { sourceFrom } from '../json-file.ts';
import { readSavedModel, type SavedModel, type SignatureTensor } from '../saved-model.ts';

/** Instances of a request. */
const rows = 2;
/** Sizes for dimensions that a signature leaves open: tokens of a text, pixels of an image. */
const openLength = 8;
const openPixels = 224;
/** Numbers of all instances: two large images. */
const mostNumbers = 2_000_000;
/** Types of tensorflow/core/framework/types.proto that JSON can carry; 7 is a text, 10 a boolean. */
const sendable = new Set([1, 2, 3, 4, 5, 6, 7, 9, 10, 17, 22, 23]);

/**
 * A request by protocol v1 for the signature of a SavedModel, and any answer with a prediction for each instance.
 * Undefined when it has no such signature, or one whose first dimension is not the number of instances.
 */
export async function smokeFromSavedModel(files: ModelReader): Promise<SmokeTest | undefined> {
  const path = pathIn(files);
  const model = await read(files, path);
  if (model === undefined || model.inputs.length === 0) return undefined;
  const instances = model.inputs.map(instanceOf);
  if (instances.some((one) => one === undefined)) return undefined;
  const [first] = instances;
  const named = Object.fromEntries(model.inputs.map(({ name }, at) => [name, instances[at]]));
  // One that takes a single tensor is sent without its name (TensorFlow Serving, "RESTful API").
  const instance = instances.length === 1 ? first : named;
  return {
    path: '/v1/models/{name}:predict',
    body: { instances: Array.from({ length: rows }, () => instance) },
    expect: { read: 'predictions', rows },
    from: `the signature of ${path}`,
  };
}

/** The version of TensorFlow that wrote a model. */
export async function savedModelLibraries(files: ModelReader): Promise<Record<string, string>> {
  const version = (await read(files, pathIn(files)))?.version;
  return version === undefined ? {} : { tensorflow: version };
}

/** The SavedModel of the highest version, which is its folder's name. */
function pathIn(files: ModelReader): string | undefined {
  const paths = files.paths.filter((path) => /^\d+\/saved_model\.pb$/.test(path));
  return paths.toSorted((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))[0];
}

async function read(files: ModelReader, path: string | undefined): Promise<SavedModel | undefined> {
  const source = sourceFrom(files, path);
  return source && (await readSavedModel(source));
}

/** One instance of an input: nested lists without the first dimension. */
function instanceOf({ type, shape }: SignatureTensor): unknown {
  if (shape === undefined || shape.length === 0 || shape[0] !== undefined || !sendable.has(type))
    return undefined;
  const open = shape.length > 3 ? openPixels : openLength;
  const sizes = shape.slice(1).map((size) => size ?? open);
  if (sizes.reduce((product, size) => product * size, rows) > mostNumbers) return undefined;
  const value: unknown = type === 7 ? 'a text' : type === 10 ? true : 1;
  return sizes.reduceRight<unknown>((inner, size) => Array.from({ length: size }, () => inner), value);
}
