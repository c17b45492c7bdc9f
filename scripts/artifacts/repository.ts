import type { Examination, ModelReader } from '../model/types.ts';
import { list, plain } from '../text/format.ts';
import { jsonOf } from './json-file.ts';

/** Bytes of the longest configuration that is read: a tokenizer's can list thousands of tokens. */
const longestConfig = 8 * 1024 ** 2;
/** Values of one configuration that are looked at. */
const mostValues = 100_000;
const mostDepth = 32;
/** Configurations of transformers and sentence-transformers that can name code or folders. */
const configs = [
  'config.json',
  'tokenizer_config.json',
  'processor_config.json',
  'preprocessor_config.json',
  'video_preprocessor_config.json',
  'modules.json',
  'router_config.json',
];
/** Keys whose value is a folder, as `path` in modules.json. */
const namesFolder = /(^|_)(path|folder|subfolder|dir|directory)$/i;
/** Folders that repeat the model in another format. */
const otherFormats = /^(original|onnx|openvino|coreml|gguf|tflite|tensorflow|flax|metal)(\/|$)/;
/** What is read of a folder: configuration, tokenizer and weights, no code and no pickle. */
const readable = /\.(json|safetensors|txt|model|spm|tiktoken|jinja|codes)$/;

/**
 * What a transformers repository says of itself: folders that its configurations name, and code (`auto_map`) that
 * loading the model would run. An adapter without its base model is refused.
 */
export async function examineRepository(files: ModelReader, chosen: readonly string[]): Promise<Examination> {
  const refusal = await loneAdapter(files, chosen);
  if (refusal !== undefined) return { refusal };
  const also = new Set<string>();
  const code = new Map<string, Set<string>>();
  for (const config of configs.filter((path) => chosen.includes(path))) {
    const value = await jsonOf(files, config, longestConfig);
    for (const folder of foldersIn(config, value)) {
      for (const path of files.paths)
        if (path.startsWith(`${folder}/`) && readable.test(path)) also.add(path);
    }
    for (const { repository, file } of codeIn(value.auto_map)) {
      const key = repository ?? '';
      code.set(key, (code.get(key) ?? new Set()).add(file));
    }
  }
  const warnings = [...code].map(([repository, names]) => codeWarning(repository, [...names], chosen));
  return { also: [...also], warnings };
}

/** The folders that a configuration names. */
function foldersIn(config: string, value: unknown): Set<string> {
  const found = new Set<string>();
  let looked = 0;
  const look = (one: unknown, key: string, depth: number): void => {
    if (++looked > mostValues || depth > mostDepth) return;
    if (typeof one === 'string' && namesFolder.test(key)) {
      const folder = one.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
      if (folder !== '' && !folder.split('/').includes('..') && !otherFormats.test(folder)) found.add(folder);
    }
    if (typeof one !== 'object' || one === null) return;
    for (const [name, inner] of Object.entries(one)) look(inner, name, depth + 1);
  };
  look(value, '', 0);
  // The router of sentence-transformers has a folder for each module, by the keys of `types`.
  const { types } = (value ?? {}) as { types?: unknown };
  if (config === 'router_config.json' && typeof types === 'object' && types !== null)
    for (const folder of Object.keys(types)) if (/^\w[\w.-]*$/.test(folder)) found.add(folder);
  return found;
}

/**
 * The code files that `auto_map` names: `module.Class`, or `org/name--module.Class` for one of another repository
 * (transformers' dynamic_module_utils.py); a tokenizer's value is a pair, of which one may be null.
 */
function codeIn(autoMap: unknown): { repository?: string; file: string }[] {
  if (typeof autoMap !== 'object' || autoMap === null) return [];
  const references = Object.values(autoMap).flat(1).slice(0, 100);
  return references.flatMap((reference) => {
    const [, repository, module] =
      /^(?:([\w.-]+\/[\w.-]+)--)?([\w./-]+?)\.\w+$/.exec(typeof reference === 'string' ? reference : '') ??
      [];
    if (module === undefined) return [];
    return [{ ...(repository !== undefined && { repository }), file: `${module.replaceAll('.', '/')}.py` }];
  });
}

function codeWarning(repository: string, names: string[], chosen: readonly string[]): string {
  const named = list(
    names.map((name) => plain(name)),
    'and',
    6,
  );
  const flag = 'vLLM runs it only with `--trust-remote-code` (`serving.args`)';
  if (repository !== '')
    return `it needs code of another repository, ${plain(repository)} (${named}), which vLLM downloads when it starts; ${flag}; to keep it in the image, put it into \`files:\` and correct \`auto_map\``;
  const missing = names.filter((name) => !chosen.includes(name));
  return missing.length === 0
    ? `it brings its own code (${named}); ${flag}`
    : `it needs its own code (${named}), which is left out; review it, and add it with \`include\`; ${flag}`;
}

/** Why an adapter alone cannot be served, and what to write. */
async function loneAdapter(files: ModelReader, chosen: readonly string[]): Promise<Examination['refusal']> {
  const path = 'adapter_config.json';
  if (!files.paths.includes(path) || chosen.some((one) => /^(config|params)\.json$/.test(one)))
    return undefined;
  const { base_model_name_or_path: base } = await jsonOf(files, path, longestConfig);
  const named = typeof base === 'string' && base !== '' ? plain(base) : undefined;
  const isHub = named !== undefined && /^[\w.-]+\/[\w.-]+$/.test(named);
  const source = isHub ? `\`source: hf://${named}\`` : 'its base model as `source`';
  return {
    problem: `is a LoRA adapter without its base model${named === undefined ? '' : `, ${named}`}`,
    next: `take ${source}, put adapter_config.json and adapter_model.safetensors below \`adapters/NAME/\` with \`files:\`, and serve both with \`serving: {args: [--enable-lora, --lora-modules, NAME=/mnt/models/adapters/NAME]}\`; or merge them (\`merge_and_unload\` of peft)`,
  };
}
