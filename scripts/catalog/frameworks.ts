import { statSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ModelcarsError } from '../errors.ts';
import type { Choice, Framework } from '../model/types.ts';
import { isBuilt, packageFile } from '../package.ts';
import { plain, show } from '../text/format.ts';
import { displayPath } from '../text/paths.ts';
import { didYouMean } from '../text/suggest.ts';
import { complain, strict } from './fields.ts';
import { importFramework } from './framework-module.ts';
import { oneOf, smokeTestSchema, word, words } from './framework-smoke.ts';

/** The built-in frameworks: scripts in a checkout, compiled in the package. */
const shipped = packageFile(isBuilt ? 'dist/frameworks' : 'frameworks');
/** The script of a framework's folder. Node strips types outside of packages only. */
const scriptNames = ['framework.ts', 'framework.js'];

const frameworkSchema = strict('a framework as default export', {
  name: word("the folder's name"),
  modelFormat: strict('a model format', {
    name: word('the name of a KServe model format'),
    version: word('a version').exactOptional(),
  }).exactOptional(),
  runtime: word('the name of a ClusterServingRuntime').exactOptional(),
  protocolVersion: oneOf('v1', 'v2', 'openai').exactOptional(),
  args: words('arguments').exactOptional(),
  include: words('globs').min(1, { error: 'expected at least one glob' }),
  exclude: words('globs'),
  choose: z
    .custom<(paths: string[]) => Choice>((value) => typeof value === 'function', {
      error: ({ input }) => complain('a function that chooses among paths', input),
    })
    .exactOptional(),
  refuse: z
    .custom<NonNullable<Framework['refuse']>>((value) => typeof value === 'function', {
      error: ({ input }) => complain('a function that refuses paths', input),
    })
    .exactOptional(),
  examine: z
    .custom<NonNullable<Framework['examine']>>((value) => typeof value === 'function', {
      error: ({ input }) => complain('a function that reads what chosen files say', input),
    })
    .exactOptional(),
  examineImage: z
    .custom<NonNullable<Framework['examineImage']>>((value) => typeof value === 'function', {
      error: ({ input }) => complain('a function that reads what the files of the image say', input),
    })
    .exactOptional(),
  unmentioned: words('globs').exactOptional(),
  requires: z.array(
    strict('a requirement', {
      anyOf: words('globs').min(1, { error: 'expected at least one glob' }),
      why: word('a reason'),
      served: words('globs').min(1, { error: 'expected at least one glob' }).exactOptional(),
      asked: strict('what meets it when the model names it', {
        anyOf: words('globs').min(1, { error: 'expected at least one glob' }),
        warning: word('a warning'),
      }).exactOptional(),
    }),
    {
      error: ({ input }) => complain('a list of requirements', input),
    },
  ),
  place: z
    .custom<(path: string) => string>((value) => typeof value === 'function', {
      error: ({ input }) => complain('a function from path to path', input),
    })
    .exactOptional(),
  servedName: z
    .custom<NonNullable<Framework['servedName']>>((value) => typeof value === 'function', {
      error: ({ input }) => complain('a function from the paths of an image to a name', input),
    })
    .exactOptional(),
  smoke: smokeTestSchema.exactOptional(),
  smokeFrom: z
    .custom<NonNullable<Framework['smokeFrom']>>((value) => typeof value === 'function', {
      error: ({ input }) => complain("a function from a model's files to a smoke test", input),
    })
    .exactOptional(),
  libraries: z
    .custom<NonNullable<Framework['libraries']>>((value) => typeof value === 'function', {
      error: ({ input }) => complain("a function from a model's files to versions of libraries", input),
    })
    .exactOptional(),
  runtimeLibraries: strict("the libraries of a runtime's image", {
    image: word('the reference of an image'),
    versions: z.record(z.string(), word('a version')),
  }).exactOptional(),
});

/**
 * All frameworks by name: the built-in ones and those in `frameworks/` beside models.yaml, which take precedence. Runs
 * each framework.ts, or those of `only`: a dozen of them is what a short run notices. Fails with code `catalog`, naming file and field, when one is invalid.
 */
export async function loadFrameworks(
  catalogDirectory: string,
  only?: ReadonlySet<string>,
): Promise<Map<string, Framework>> {
  const found = await findFrameworks(catalogDirectory);
  const files = [...found].filter(([name]) => only?.has(name) ?? true);
  const frameworks = await Promise.all(
    files.map(async ([name, file]) => [name, await loadFramework(name, file)] as const),
  );
  return new Map(frameworks);
}

/** The names that `loadFrameworks` would return, sorted; runs no code. */
export async function frameworkNames(catalogDirectory: string): Promise<string[]> {
  return [...(await findFrameworks(catalogDirectory)).keys()];
}

/** Name → framework.ts or framework.js, sorted by name. */
async function findFrameworks(catalogDirectory: string): Promise<Map<string, string>> {
  const files: [string, string][] = [];
  const own = await realpath(join(catalogDirectory, 'frameworks')).catch(() => shipped);
  // The sources of the built-in frameworks, beside this repository's own models.yaml, are in dist/ already.
  const isShipped = own === shipped || own === packageFile('frameworks');
  for (const folder of isShipped ? [shipped] : [shipped, own]) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)) continue;
      for (const script of scriptNames) {
        const file = join(folder, name, script);
        if (!isFile(file)) continue;
        files.push([name, file]);
        break;
      }
    }
  }
  // Of two with the same name the later one wins: the caller's.
  return new Map([...new Map(files)].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Synchronous, since a short run makes some fifty of these calls, and the asynchronous one takes ten times as long. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false; // `path` is below a file
  }
}

async function loadFramework(name: string, file: string): Promise<Framework> {
  const fail = (problem: string, cause?: unknown) =>
    new ModelcarsError('catalog', `load framework ${show(name)}: ${displayPath(file)}: ${problem}`, {
      next: `compare it with ${displayPath(packageFile('frameworks/sklearn/framework.ts'))}`,
      cause,
    });
  let exported: unknown;
  try {
    exported = await importFramework(file, dirname(dirname(dirname(file))));
  } catch (error) {
    throw fail(plain(error instanceof Error ? error.message : String(error), 200), error);
  }
  const parsed = frameworkSchema.safeParse(exported);
  if (!parsed.success) {
    // An unknown key first: it is most likely a misspelling of the missing one.
    const { issues } = parsed.error;
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
    const field = issue?.path.join('.') ?? '';
    const prefix = field === '' ? '' : `${show(field)}: `;
    if (issue?.code !== 'unrecognized_keys') throw fail(`${prefix}${issue?.message}`);
    const meant = didYouMean(issue.keys[0], Object.keys(frameworkSchema.shape));
    throw fail(`${prefix}unknown key ${show(issue.keys[0])}${meant}`);
  }
  const { runtime, modelFormat } = parsed.data;
  if ((runtime === undefined) !== (modelFormat === undefined)) {
    throw fail(
      runtime === undefined
        ? '`runtime`: missing; expected the name of a ClusterServingRuntime, as there is a `modelFormat`'
        : '`modelFormat`: missing; expected a model format, as there is a `runtime`',
    );
  }
  if (parsed.data.name !== name) {
    throw fail(`\`name\`: expected ${show(name)}, the folder's name, got ${show(parsed.data.name)}`);
  }
  return parsed.data;
}
