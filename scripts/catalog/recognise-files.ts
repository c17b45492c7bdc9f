import { list, plain } from '../text/format.ts';

/** What a source's files are, by their names. */
export interface Recognised {
  /** "a CatBoost model (churn.cbm)": for a sentence that names what was found. */
  what: string;
  /** The framework to take; absent when none serves it as it is. */
  framework?: string;
  /** The step that leads to a served model. */
  next: string;
}

interface Kind {
  what: string;
  /** One of the files matches; `without` none may. */
  files: RegExp;
  without?: RegExp;
  framework?: string;
  next?: string;
}

const own = 'take `framework: custom` with your own ServingRuntime in `serving:`';

/** What people have, the most telling first: the files of one kind can lie beside those of the next. */
const kinds: readonly Kind[] = [
  {
    what: 'a LoRA adapter without its base model',
    files: /(^|\/)adapter_config\.json$/,
    without: /(^|\/)config\.json$/,
    next: 'take its base model, which adapter_config.json names, as `source` with `framework: vllm`, and the adapter as `files:` below `adapters/`',
  },
  {
    what: 'a diffusers pipeline',
    files: /(^|\/)model_index\.json$/,
    next: `no runtime of KServe serves one: ${own}`,
  },
  { what: 'an MLflow model', files: /(^|\/)MLmodel$/, framework: 'mlflow' },
  { what: 'a model repository of Triton', files: /(^|\/)config\.pbtxt$/, framework: 'onnx-triton' },
  { what: 'a TensorFlow SavedModel', files: /(^|\/)saved_model\.pb(txt)?$/, framework: 'tensorflow' },
  { what: 'a GGUF model', files: /\.gguf$/i, framework: 'gguf' },
  { what: 'a CatBoost model', files: /\.cbm$/i, framework: 'catboost' },
  // A repository of transformers can have the same model as ONNX.
  { what: 'an ONNX model', files: /\.onnx$/i, without: /(^|\/)config\.json$/, framework: 'onnx' },
  { what: 'a PMML model', files: /\.pmml$/i, framework: 'pmml' },
  {
    what: 'a Paddle model',
    files: /\.(pdmodel|pdiparams)$/i,
    next: 'take `framework: custom` with `serving: {runtime: kserve-paddleserver, modelFormat: paddle}`',
  },
  {
    what: 'an archive of TorchServe',
    files: /\.mar$/i,
    next: 'take `framework: custom` with `serving: {runtime: kserve-torchserve, modelFormat: pytorch}`; it needs config/config.properties and model-store/NAME.mar',
  },
  {
    what: 'a TensorRT engine',
    files: /\.(plan|engine)$/i,
    next: 'lay it out as NAME/1/model.plan with NAME/config.pbtxt, and take `framework: onnx-triton`',
  },
  {
    what: 'a Keras file',
    files: /\.(keras|h5|hdf5)$/i,
    without: /(^|\/)config\.json$/,
    next: 'export it as a SavedModel (`model.export(DIR)`) for `framework: tensorflow`, or as ONNX (tf2onnx) for `framework: onnx`',
  },
  {
    what: 'weights of PyTorch, which only the code of the model can read',
    files: /\.(pt|pth|ckpt)$/i,
    without: /(^|\/)config\.json$/,
    next: `export it as ONNX (\`torch.onnx.export\`) for \`framework: onnx\`; or ${own}`,
  },
  {
    what: 'safetensors without the config.json that says what model they are',
    files: /\.safetensors$/i,
    without: /(^|\/)(config|params)\.json$/,
    next: 'add config.json and the tokenizer, which `save_pretrained` of transformers writes beside the weights; a fine-tuned model has those of its base',
  },
  {
    what: 'a tokenizer without weights',
    files: /(^|\/)(tokenizer\.json|tokenizer_config\.json|tokenizer\.model)$/,
    without: /\.(safetensors|bin|pt|pth|h5|msgpack)$/i,
    next: 'correct `source`: the weights are elsewhere, in a repository or folder with *.safetensors',
  },
  {
    what: 'a model of TensorFlow Lite or Core ML, for devices',
    files: /\.(tflite|mlmodel|mlpackage)$/i,
    next: `export it as ONNX for \`framework: onnx\`; or ${own}`,
  },
  {
    what: 'a model of R or Spark',
    files: /(\.(rds|rda)$|(^|\/)metadata\/part-00000$)/i,
    next: `export it as PMML or ONNX; or ${own}`,
  },
];

/**
 * What a source's files are, by their names alone, for the error of a model that no framework or another one serves:
 * undefined when nothing tells.
 */
export function recognise(paths: readonly string[]): Recognised | undefined {
  const kind = kinds.find(
    ({ files, without }) =>
      paths.some((path) => files.test(path)) && !paths.some((path) => without?.test(path) ?? false),
  );
  if (kind === undefined) return undefined;
  const { what, files, framework, next = own } = kind;
  const matching = paths.filter((path) => files.test(path)).map((path) => plain(path));
  const named = `${what} (${list(matching, 'and', 3)})`;
  if (framework === undefined) return { what: named, next };
  return { what: named, framework, next: `take \`framework: ${framework}\`` };
}

/** The frameworks that `recognise` can name. */
export const recognisedFrameworks = kinds.flatMap(({ framework }) => framework ?? []);
