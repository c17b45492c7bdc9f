/** What a file's name implies about its content. Paths are relative to /models, with `/` as separator. */

/** Extensions of files that hold weights or a whole model. */
const weightExtension =
  /\.(safetensors|bin|pt|pth|ckpt|gguf|ggml|onnx|onnx[._]data(_\d+)?|h5|hdf5|keras|msgpack|joblib|pkl|pickle|bst|ubj|tflite|mlmodel|pb|npz|npy|ot|nemo|engine|plan|cbm|model|pdparams|pdmodel)$/i;
/** Leftovers of training with such an extension: no server reads them. */
const leftover =
  /(^|\/)(training_args\.bin|(optimizer|scheduler|scaler)\.(pt|pth|bin)|rng_state[^/]*\.pth|events\.out\.tfevents\.[^/]*)$/;
/** `model.safetensors.index.json`; diffusers puts a variant before the extension: `….index.fp16.json`. */
const weightIndex = /\.(safetensors|bin|pt|pth|h5|msgpack)\.index(\.[\w-]+)?\.json$/;

/** Whether a file holds weights, by its name. LightGBM calls a model `model.txt`. */
export function isWeights(path: string): boolean {
  if (leftover.test(path)) return false;
  return weightExtension.test(path) || /(^|\/)model\.txt$/.test(path);
}

/** Whether a file lists the shards of a sharded model, as transformers and diffusers write it. */
export function isWeightIndex(path: string): boolean {
  return weightIndex.test(path);
}

/** Whether a weight index is for a variant (`….index.fp16.json`) that is read only on request. */
export function isVariantIndex(path: string): boolean {
  return weightIndex.exec(path)?.[2] !== undefined;
}

/** The extension of the shards that a weight index lists: `safetensors`. */
export function shardExtension(path: string): string {
  return weightIndex.exec(path)?.[1] ?? '';
}

/** Whether a file is JSON, by its name. */
export function isJson(path: string): boolean {
  return /\.json$/i.test(path);
}

/** The folder of a path, with a trailing slash; the top folder is the empty string. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/**
 * Resolves a path that a file refers to, relative to its folder, to a path below /models; undefined when it is absolute
 * or contains `..`.
 */
export function besideOf(path: string, named: string): string | undefined {
  if (named.startsWith('/') || /^[A-Za-z]:[\\/]/.test(named)) return undefined;
  const parts = named.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..') || named.split('\\').includes('..')) return undefined;
  return folderOf(path) + parts.join('/');
}
