import type { ExpectedOutput, ModelReader, SmokeTest } from '../../model/types.ts';
import { sourceFrom } from '../json-file.ts';
import { type OnnxModel, type OnnxTensor, readOnnx } from '../onnx.ts';

/** `TensorProto.DataType` (onnx/onnx.proto) as the v2 protocol names it. FP16 and BF16 cannot be sent as JSON. */
const datatypes: Readonly<Record<number, string>> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  4: 'UINT16',
  5: 'INT16',
  6: 'INT32',
  7: 'INT64',
  8: 'BYTES',
  9: 'BOOL',
  11: 'FP64',
  12: 'UINT32',
  13: 'UINT64',
};
/** Sizes for dimensions that a graph leaves open: rows, tokens of a text, pixels of an image. */
const openRows = 2;
const openLength = 8;
const openPixels = 224;
/** Elements of all inputs: a batch of a large image. */
const mostElements = 2_000_000;

/** A request for a model of OpenVINO Model Server: of the highest version, `1/model.onnx`. */
export async function smokeFromOnnx(files: ModelReader): Promise<SmokeTest | undefined> {
  const path = highest(files.paths.filter((one) => /^\d+\/[^/]+\.onnx$/.test(one)));
  return await requestOf(files, path, '/v2/models/{name}/infer', (sizes) => sizes);
}

/** A request for a model of Triton's repository, `NAME/1/model.onnx`: Triton knows it by its folder's name. */
export async function smokeFromTriton(files: ModelReader): Promise<SmokeTest | undefined> {
  const versions = files.paths.filter((one) => /^[^/]+\/\d+\/[^/]+\.onnx$/.test(one));
  const [name = ''] = versions[0]?.split('/') ?? [];
  const path = highest(versions.filter((one) => one.startsWith(`${name}/`)));
  return await requestOf(files, path, `/v2/models/${encodeURIComponent(name)}/infer`, tritonShape);
}

/**
 * Triton's shape of a tensor of a graph that takes batches: of rows that are one value each, a column (onnxruntime_backend,
 * src/onnxruntime.cc, `AutoCompleteMaxBatch` and `AutoCompleteIO`: a dimension of 1 and a `reshape`).
 */
function tritonShape<Size>(sizes: Size[], { inputs, outputs }: OnnxModel): (Size | 1)[] {
  const batches = [...inputs, ...outputs].every(
    ({ shape = [] }) => shape.length > 0 && typeof shape[0] !== 'number',
  );
  return batches && sizes.length === 1 ? [...sizes, 1] : sizes;
}

/** The path with the highest version, which is its folder's name. */
function highest(paths: readonly string[]): string | undefined {
  const versionOf = (path: string) => Number(path.split('/').at(-2));
  return paths.toSorted((a, b) => versionOf(b) - versionOf(a))[0];
}

async function requestOf(
  files: ModelReader,
  path: string | undefined,
  url: string,
  shapeFor: <Size>(sizes: Size[], model: OnnxModel) => (Size | 1)[],
): Promise<SmokeTest | undefined> {
  const source = sourceFrom(files, path);
  const model = source && (await readOnnx(source));
  if (path === undefined || model === undefined || model.inputs.length === 0) return undefined;
  const sizes = new Sizes(model);
  const shapes = model.inputs.map((input) => sizes.of(input));
  const elements = shapes.map((shape) => shape?.reduce((product, size) => product * size, 1) ?? Infinity);
  const total = elements.reduce((sum, one) => sum + one, 0);
  if (total > mostElements) return undefined;
  const inputs = model.inputs.map(({ name, type = 0 }, at) => {
    const datatype = datatypes[type];
    const shape = shapeFor(shapes[at] ?? [], model);
    return datatype && { name, shape, datatype, data: dataOf(name, datatype, elements[at] ?? 0) };
  });
  if (inputs.includes(undefined) || inputs.includes('')) return undefined;
  const count = inputs.length === 1 ? 'input' : `${inputs.length} inputs`;
  return {
    path: url,
    body: { inputs },
    expect: {
      read: 'outputs',
      outputs: model.outputs
        .flatMap((output) => expected(output, sizes))
        .map((output) => ({ ...output, ...(output.shape && { shape: shapeFor([...output.shape], model) }) })),
    },
    from: `the ${count} of the graph in ${path}`,
  };
}

/** What an output has to be. Sizes that the graph names by another symbol than the inputs' rows may be any. */
function expected({ name, type = 0, shape }: OnnxTensor, sizes: Sizes): ExpectedOutput[] {
  const datatype = datatypes[type];
  if (datatype === undefined) return [];
  // Exporters note the rows of their example where the graph takes any number of them.
  const lengths = shape?.map((size, axis) =>
    axis === 0 ? sizes.rowsOf(size) : typeof size === 'number' ? size : null,
  );
  return [{ name, datatype, ...(lengths !== undefined && lengths.length > 0 && { shape: lengths }) }];
}

/** Chooses a size for each dimension that is left open, the same for the same symbol. */
class Sizes {
  readonly #rows: number;
  readonly #hasOpenRows: boolean;
  readonly #symbols = new Map<string, number>();

  constructor({ inputs }: OnnxModel) {
    // Of an image one is enough.
    this.#rows = inputs.some(({ shape = [] }) => shape.length > 3) ? 1 : openRows;
    this.#hasOpenRows = inputs.some(({ shape = [] }) => typeof shape[0] !== 'number');
  }

  /** The shape of an input; undefined when its rank is not known. */
  of({ shape }: OnnxTensor): number[] | undefined {
    return shape?.map((size, axis) => {
      if (typeof size === 'number') return size;
      const chosen = axis === 0 ? this.#rows : shape.length > 3 ? openPixels : openLength;
      if (size === undefined) return chosen;
      const known = this.#symbols.get(size) ?? chosen;
      this.#symbols.set(size, known);
      return known;
    });
  }

  /** The expected first dimension of an output. */
  rowsOf(size: number | string | undefined): number | null {
    if (typeof size === 'string') return this.#symbols.get(size) ?? null;
    return size === undefined || this.#hasOpenRows ? null : size;
  }
}

/** Values that a graph takes: 1 is a token of every vocabulary, and of `token_type_ids` there is often only 0. */
function dataOf(name: string, datatype: string, count: number): unknown[] {
  const value =
    datatype === 'BYTES' ? 'text' : datatype === 'BOOL' ? true : /type|segment|position/i.test(name) ? 0 : 1;
  return new Array(count).fill(value);
}
