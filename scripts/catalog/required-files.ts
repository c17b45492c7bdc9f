import { ModelcarsError } from '../errors.ts';
import { isWeights } from '../formats/names.ts';
import type { Framework, LockedFile, Model } from '../model/types.ts';
import { openSource } from '../sources/index.ts';
import type { SourceOptions } from '../sources/types.ts';
import { list, plain } from '../text/format.ts';
import { matchesAny } from './globs.ts';
import { recognise } from './recognise-files.ts';

/** `requires` of a framework for an image: globs over paths below /models, after `place`. */
export function servedFiles(framework: Framework): { anyOf: string[]; why: string }[] {
  const { requires, place = (path) => path } = framework;
  return requires.map(({ anyOf, why, served, asked }) => ({
    anyOf: [
      ...new Set([
        ...(served ?? anyOf.map((glob) => place(glob))),
        ...(asked?.anyOf.map((glob) => place(glob)) ?? []),
      ]),
    ],
    why,
  }));
}

/**
 * Checks that a model has the files that its framework requires. Returns a warning for each requirement that is met only
 * because the model names the file itself. Fails with code `source`.
 */
export async function checkRequired(
  model: Model,
  framework: Framework,
  { files, seen }: { files: readonly LockedFile[]; seen: readonly string[] },
  sources: SourceOptions,
  signal?: AbortSignal,
): Promise<string[]> {
  const where = `resolve model ${model.name}`;
  const names = seen.map((path) => plain(path));
  const found = seen.length === 0 ? 'nothing' : list(names, 'and');
  const warnings: string[] = [];
  for (const [at, { anyOf, why, asked }] of framework.requires.entries()) {
    // A path in `files:` is already the path in the image.
    const given = servedFiles(framework)[at]?.anyOf ?? anyOf;
    const has = ({ path, source, place }: LockedFile) =>
      matchesAny(path, source === undefined ? anyOf : given) ||
      (place !== undefined && matchesAny(place, given));
    if (files.some((file) => has(file) && !isAsked(file, asked?.anyOf))) continue;
    const named = files.filter(
      (file) => isAsked(file, asked?.anyOf) && (model.include.length > 0 || file.source !== undefined),
    );
    if (asked !== undefined && named.length > 0) {
      const paths = named.map(({ path }) => plain(path));
      warnings.push(`${list(paths, 'and', 4)}: ${asked.warning}`);
      continue;
    }
    const known = recognise(seen);
    const other = known?.framework === framework.name ? undefined : known;
    const better = asked && (await convertedFiles(model, asked.anyOf, seen, sources, signal));
    throw new ModelcarsError(
      'source',
      `${where}: ${framework.name} needs ${list(anyOf, 'or')}: ${why}; found ${found}${other ? `: ${other.what}` : ''}`,
      { next: better ?? other?.next ?? 'rename the file, correct `source`, or choose it with `include`' },
    );
  }
  if (files.length > 0) return warnings;
  throw new ModelcarsError(
    'source',
    `${where}: no file of ${plain(model.source)} is chosen; found ${found}`,
    { next: 'correct `include` and `exclude`' },
  );
}

function isAsked({ path }: LockedFile, globs: readonly string[] = []): boolean {
  return matchesAny(path, globs);
}

/** The next step for a source that has the weights only in a form that has to be asked for. */
async function convertedFiles(
  { source }: Model,
  globs: readonly string[],
  seen: readonly string[],
  sources: SourceOptions,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const weights = seen.filter((path) => matchesAny(path, globs) && isWeights(path));
  if (weights.length === 0) return undefined;
  const better = await openSource(source, sources).converted?.(source, signal);
  const pickles = `name them with \`include\`, as in \`include: ["*.json", "*.txt", ${list(
    weights.slice(0, 2).map((path) => `"${plain(path)}"`),
    'and',
  ).replace(' and ', ', ')}]\`, if you trust who made them`;
  return better === undefined
    ? `convert them (\`save_pretrained\` writes safetensors), or ${pickles}`
    : `take \`source: ${better}\`, where the hub's own bot has converted them; or ${pickles}`;
}
