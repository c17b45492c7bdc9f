import { baseName } from '../../verify/paths.ts';

/** What a file of a model is for, as a reviewer asks. */
export type FileKind = 'weights' | 'tokenizer' | 'documentation' | 'code' | 'configuration' | 'other';

const kinds: [FileKind, RegExp][] = [
  [
    'tokenizer',
    /^(?:tokenizer.*|.*vocab(?:\.\w+)*|merges\.txt|spiece\.model|sentencepiece.*|special_tokens_map\.json|added_tokens\.json|chat_template\..*)$/i,
  ],
  [
    'documentation',
    /^(?:readme|licen[cs]e|notice|copying|changelog|use_policy|modelcard|model_card)(?:[._-].*)?$|\.(?:md|rst|pdf)$/i,
  ],
  ['code', /\.(?:py|ipynb|sh|so|js|lua)$/i],
  [
    'weights',
    /\.(?:safetensors|bin|pt|pth|ckpt|onnx|onnx_data|data|gguf|ggml|h5|hdf5|keras|pb|tflite|joblib|pkl|pickle|skops|ubj|bst|cbm|npz|npy|pmml|model|msgpack|plan|engine|xml|data-\d+-of-\d+)$/i,
  ],
  [
    'configuration',
    /\.(?:json|ya?ml|toml|ini|cfg|conf|pbtxt|properties|jinja)$|^(?:conda|MLmodel|requirements).*/i,
  ],
];
/** Boosters in text: weights, under names that say so. */
const boosters = /^model\.(?:json|txt)$/i;

/** The kind of a file, by its name alone. */
export function kindOfFile(path: string): FileKind {
  const name = baseName(path);
  if (boosters.test(name)) return 'weights';
  return kinds.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';
}
