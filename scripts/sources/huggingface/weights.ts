import type { Choice } from '../../model/types.ts';

/**
 * Weight formats by file name; the first match counts. Best first, except OpenVINO: loading safetensors runs no code,
 * and model servers support it best.
 */
const formats: [name: string, shape: RegExp][] = [
  ['safetensors', /\.safetensors$/],
  ['openvino', /(^|\/)openvino_[^/]*\.(bin|xml)$/],
  ['pytorch', /(^|\/)([^/]*(model|weights)[^/]*|[^/]*-\d{5}-of-\d{5})\.bin$/],
  ['pickle', /\.(pt|pth|ckpt)$/],
  ['gguf', /\.gguf$/],
  ['tensorflow', /\.(h5|tflite)$/],
  ['flax', /\.msgpack$/],
  ['onnx', /\.onnx(_data[^/]*|\.data)?$/],
  ['rust', /\.ot$/],
  ['coreml', /\.(mlmodel|mlpackage\/.*)$/],
];
/**
 * The formats by preference: as above, except OpenVINO, which matches early because its files end in .bin as well, but
 * ranks low.
 */
const order = [
  'safetensors',
  'pytorch',
  'pickle',
  'gguf',
  'tensorflow',
  'flax',
  'onnx',
  'openvino',
  'rust',
  'coreml',
];

/** Folders that repeat the model in another format. */
const otherFormats = /^(original|onnx|openvino|coreml|gguf|tflite|tensorflow|flax|metal)\//;

/** Leftovers of git and training that serving does not need. */
const leftovers = [
  /(^|\/)\.git(attributes|ignore|keep)$/,
  /(^|\/)\.(cache|ipynb_checkpoints)\//,
  /(^|\/)(optimizer|scheduler|scaler)\.(pt|pth|bin)$/,
  /(^|\/)rng_state[^/]*\.pth$/,
  /(^|\/)(training_args\.bin|trainer_state\.json|zero_to_fp32\.py)$/,
  /(^|\/)events\.out\.tfevents\.[^/]*$/,
  /(^|\/)(checkpoint-\d+|global_step\d+)\//,
];

/**
 * Globs over what a hub repository has besides a model or twice, and nobody misses in an image: pictures of its card, the
 * same weights in another format, leftovers of git and training. For `Framework.unmentioned`.
 */
export const knownDuplicates = [
  '**/*.{png,jpg,jpeg,gif,svg,webp,mp4,webm,pdf}',
  '**/.git{attributes,ignore,keep}',
  '**/{.cache,.ipynb_checkpoints,.github}/**',
  '{original,onnx,openvino,coreml,gguf,tflite,tensorflow,flax,metal,runs}/**',
  '**/{pytorch_model,model,adapter_model,diffusion_pytorch_model,consolidated}*.{bin,pt,pth,ckpt}',
  '**/openvino_*.{bin,xml}',
  '**/*.{gguf,h5,tflite,msgpack,onnx,onnx_data,ot,mlmodel}',
  '**/{optimizer,scheduler,scaler}.{pt,pth,bin}',
  '**/rng_state*.pth',
  '**/{training_args.bin,trainer_state.json,trainer_log.jsonl,zero_to_fp32.py,latest}',
  '**/events.out.tfevents.*',
  '**/{checkpoint-,global_step}*/**',
];

/**
 * Chooses one set of weights from a repository that holds several, as most on a hub do: in each folder the best format
 * and its plain variant; no folder that repeats the model in another format; no leftovers of git and training.
 * Everything else stays: configuration, tokenizer, the model's own code, its card and licence. For `Framework.choose`.
 */
export function chooseWeights(paths: string[]): Choice {
  const kept = paths.filter((path) => !leftovers.some((shape) => shape.test(path)));
  const outside = kept.filter((path) => !otherFormats.test(path));
  const hasWeights = outside.some((path) => formatOf(path) === 'safetensors' || formatOf(path) === 'pytorch');
  const candidates = hasWeights ? outside : kept;
  const doubled = doublesOf(candidates);
  const take = candidates.filter((path) => !doubled.has(path));
  const taken = new Set(take);
  const leave = paths.filter((path) => !taken.has(path));
  const why = [
    ...(kept.length > take.length ? ['the same weights are there in another form'] : []),
    ...(paths.length > kept.length ? ['git and training leave files that no server reads'] : []),
  ];
  return { take, leave, why: why.join('; ') };
}

/** The files that repeat others in the same folder. */
function doublesOf(paths: readonly string[]): Set<string> {
  const doubled = new Set<string>();
  const folders = Map.groupBy(paths, (path) => path.slice(0, path.lastIndexOf('/') + 1));
  for (const [folder, files] of folders) {
    const weights = files.filter((path) => formatOf(path) !== undefined);
    const best = order.find((format) => weights.some((path) => !isIndex(path) && formatOf(path) === format));
    for (const path of weights) if (formatOf(path) !== best) doubled.add(path);
    if (best !== 'safetensors' && best !== 'pytorch') continue;
    const names = weights.filter((path) => formatOf(path) === best).map((path) => path.slice(folder.length));
    for (const name of doubledNames(names)) doubled.add(folder + name);
    // vLLM takes the presence of params.json to mean Mistral's own format.
    const mistral = names.some((name) => name.startsWith('consolidated') && doubled.has(folder + name));
    if (mistral && files.includes(`${folder}params.json`)) doubled.add(`${folder}params.json`);
  }
  return doubled;
}

/**
 * Among files of one folder and one format: variants beside plain files, parts beside the whole file, Mistral's form
 * beside the other.
 */
function doubledNames(names: readonly string[]): string[] {
  const weights = names.filter((name) => !isIndex(name));
  const plain = weights.filter((name) => !isVariant(name) && !name.startsWith('consolidated'));
  if (plain.length === 0) return [];
  const whole = new Set(plain.filter((name) => !isPart(name)).map(stemOf));
  return names.filter((name) => {
    const weight = name.replace(/\.index(\.[\w-]+)?\.json$/, '');
    if (isVariant(weight) || /\.index\.[\w-]+\.json$/.test(name)) return true;
    if (name.startsWith('consolidated')) return true;
    return (isPart(weight) || isIndex(name)) && whole.has(stemOf(weight));
  });
}

function formatOf(path: string): string | undefined {
  const weight = path.replace(/\.index(\.[\w-]+)?\.json$/, '');
  return formats.find(([, shape]) => shape.test(weight))?.[0];
}

function isIndex(path: string): boolean {
  return /\.index(\.[\w-]+)?\.json$/.test(path);
}

/** `model.fp16.safetensors`, `model.fp16-00001-of-00002.safetensors`: transformers' and diffusers' variants. */
function isVariant(name: string): boolean {
  return /\.(fp16|bf16|fp32|fp8|int8|non_ema|ema)(-\d{5}-of-\d{5})?\.(safetensors|bin)$/.test(name);
}

function isPart(name: string): boolean {
  return /-\d{5}-of-\d{5}\.\w+$/.test(name);
}

function stemOf(name: string): string {
  return name.replace(/(-\d{5}-of-\d{5})?\.\w+$/, '');
}
