import { list, plain } from '../text/format.ts';

/** A part of a GGUF model, by llama.cpp's pattern (src/llama.cpp, `llama_split_path`); of a glob too. */
const part = /-[\d?]{5}-of-([\d?]{5})\.gguf$/i;
/** Names by which quantisations are known: `Q4_K_M`, `UD-IQ2_XXS`, `BF16`, `MXFP4_MOE`. */
const quantisation = /(?:^|[-._/])((?:UD-)?(?:I?Q|TQ)\d\w*|BF16|F16|F32|FP16|MXFP4\w*|NVFP4)(?=[-._/]|$)/gi;
/** Of several projectors the first: half precision is what they are published in. */
const precisions = [/[^b]f16/i, /bf16/i, /f32/i];

/** Whether a path is a projector (`mmproj-F16.gguf`), which a model needs to read images or sound. */
export function isProjector(path: string): boolean {
  return /mmproj[^/]*\.gguf$/i.test(path);
}

/** Whether a path is one of the parts of a model. */
export function isPart(path: string): boolean {
  return part.test(path);
}

/** The models among a source's paths: each with its file, or the files of its parts. */
export function ggufModels(paths: readonly string[]): string[][] {
  const models = paths.filter((path) => /\.gguf$/i.test(path) && !isProjector(path));
  return [...Map.groupBy(models, (path) => path.replace(part, '\0$1')).values()];
}

/** What belongs to a GGUF file that someone chose: its other parts, and a projector. */
export function ggufCompanions(named: string, paths: readonly string[]): string[] {
  if (!/\.gguf$/i.test(named) || isProjector(named)) return [];
  const own = ggufModels(paths).find((model) => model.includes(named)) ?? [];
  const projector = chooseProjector(paths).take.filter(isProjector);
  return [...own.filter((path) => path !== named), ...projector];
}

/** One of several projectors, and the others. */
export function chooseProjector(paths: readonly string[]): { take: string[]; leave: string[] } {
  const all = paths.filter(isProjector);
  const best = precisions.map((one) => all.find((path) => one.test(path))).find(Boolean) ?? all[0];
  const leave = all.filter((path) => path !== best);
  return { take: paths.filter((path) => !leave.includes(path)), leave };
}

/**
 * Why these paths together are not one model, and the next step: several models, which a repository of quantisations has,
 * or none, or several projectors. Undefined when they are one.
 */
export function severalModels(
  paths: readonly string[],
): { problem: string; next: string; choices: string[] } | undefined {
  const models = ggufModels(paths);
  const projectors = paths.filter(isProjector);
  if (models.length > 1) {
    const names = models.map(nameOf);
    const usual = models.find((_, index) => /^q4_k_m$/i.test(names[index] ?? '')) ?? models[0] ?? [];
    const own = [globOf(usual), ...chooseProjector(projectors).take.slice(0, 1)];
    return {
      problem: `has ${models.length} models, and one image serves one: ${list(names.map(short), 'and', 24)}`,
      next: `choose one, as in \`include: [${[...own, 'README.md', 'LICENSE*'].map((one) => `"${one}"`).join(', ')}]\``,
      choices: models.map(([first = '']) => first),
    };
  }
  const [first, second] = projectors;
  if (models.length === 0 && first !== undefined)
    return {
      problem: `has no model, only ${short(first)}, which reads images for one`,
      next: 'add the model to `include`',
      choices: [],
    };
  if (second === undefined) return undefined;
  const shown = list(projectors.map(short), 'and');
  return { problem: `has several projectors: ${shown}`, next: 'keep one of them in `include`', choices: [] };
}

/** The quantisation of a model by its path, otherwise the path. */
function nameOf([first = '']: readonly string[]): string {
  const path = first.replace(part, '').replace(/\.gguf$/i, '');
  const inName = [...path.slice(path.lastIndexOf('/') + 1).matchAll(quantisation)].at(-1)?.[1];
  return inName ?? [...path.matchAll(quantisation)].at(-1)?.[1] ?? first;
}

function globOf(paths: readonly string[]): string {
  const [first = ''] = paths;
  return paths.length === 1 && !isPart(first) ? first : first.replace(part, '-*.gguf');
}

function short(text: string): string {
  return plain(text);
}
