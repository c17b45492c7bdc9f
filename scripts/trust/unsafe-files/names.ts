/** What a file's name says of the program that will read it. The content decides first. */

/** Read by unpickling: pickle, joblib, `torch.load`, and numpy, which unpickles what is no array. */
const pickles =
  /\.(pkl|pickle|joblib|dill|cloudpickle|pt|pt2|pth|ckpt|npy|npz)$|(^|\/)((pytorch|adapter|diffusion_pytorch)_model|training_args|optimizer|scheduler)[^/]*\.bin$/i;
const archives = /\.(zip|keras|npz|pt2)$/i;
const code = /\.(py|pyc|pyo|pyw|pyd|pyx|so|so\.\d[\d.]*|dylib|dll|exe|sh|bash|jar|class|whl|egg)$/i;
/** `config.json`, `tokenizer_config.json`, `preprocessor_config.json` … of transformers. */
const configs = /(^|\/)[^/]*config[^/]*\.json$/i;
/**
 * Formats whose readers run nothing that a file says. Their content is walked when it is read anyway, and not read again
 * for it.
 */
const inert =
  /\.(safetensors|gguf|ggml|bst|ubj|cbm|tflite|pmml|txt|md|csv|tsv|jpe?g|png|gif|svg|webp|pdf|wav|mp3|model|spm|vocab|tiktoken|license|msgpack|ya?ml)$|(^|\/)(LICEN[CS]E|NOTICE|README)[^/]*$|\.onnx[._]data(_\d+)?$|(^|\/)MLmodel$/i;

export const names = {
  isPickle: (path: string): boolean => pickles.test(path),
  isArchive: (path: string): boolean => archives.test(path),
  isCode: (path: string): boolean => code.test(path),
  isConfig: (path: string): boolean => configs.test(path),
  isKeras: (path: string): boolean => /\.keras$/i.test(path),
  /** Whether a file that is not read again can hide nothing from the program that reads it. */
  isInert: (path: string): boolean => inert.test(path) || (/\.json$/i.test(path) && !configs.test(path)),
  /** The name of what a compressed file contains. */
  unpacked: (path: string): string => path.replace(/\.(gz|gzip|z|zst|zstd)$/i, ''),
};
