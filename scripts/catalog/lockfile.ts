import { z } from 'zod';
import { ModelcarsError } from '../errors.ts';
import type { Lock, LockedModel } from '../model/types.ts';
import { checkUri } from '../sources/index.ts';
import { plain } from '../text/format.ts';
import { checkClashes, checkPath, compareBytes, displayPath } from '../text/paths.ts';
import { diagnosticsError } from './diagnostics.ts';
import { checked, complain, listOf, recordOf, strict } from './fields.ts';
import { quickYaml } from './quick-yaml.ts';
import { conflictLine, type ReadOptions, readText } from './read-text.ts';
import { zodDiagnostics } from './zod-diagnostics.ts';

const next =
  'restore it (`git restore`), or delete it and run `modelcars lock`, which resolves every model anew';
const reading: ReadOptions = { code: 'lock', mostBytes: 32 * 1024 ** 2, next };
/** Limit on the values of a lock: about 200,000 files. */
const mostValues = 1_000_000;

const anyText = (expected: string) =>
  checked(expected, (value) =>
    value === '' || value.length > 4096 || /\p{Cc}/u.test(value) ? { expected } : undefined,
  );
const digest = checked('`sha256:` and 64 hexadecimal digits', (value) =>
  /^sha256:[0-9a-f]{64}$/.test(value)
    ? undefined
    : { expected: '`sha256:` and 64 lower-case hexadecimal digits' },
);

const uri = checked('the URI of a source', checkUri);
const fileSchema = strict('a file: a map with `path:`, `size:` and `sha256:`', {
  path: checked('a path', (path) => {
    const problem = checkPath(path);
    return problem === undefined
      ? undefined
      : { expected: 'a path below the source', hint: `, which ${problem}` };
  }),
  size: z
    .int({ error: ({ input }) => complain('a size in bytes', input) })
    .min(0, { error: 'expected a size of at least 0' }),
  sha256: checked('64 hexadecimal digits', (value) =>
    /^[0-9a-f]{64}$/.test(value) ? undefined : { expected: '64 lower-case hexadecimal digits' },
  ),
  source: uri.exactOptional(),
  revision: anyText('a revision').exactOptional(),
  place: checked('a path', (path) => {
    const problem = checkPath(path);
    return problem === undefined
      ? undefined
      : { expected: 'a path below /models', hint: `, which ${problem}` };
  }).exactOptional(),
});
const layerSchema = strict('a layer: a map with `files:`, `digest:`, `size:` and `key:`', {
  files: listOf(anyText('a path below /models'), 'paths'),
  digest,
  size: z
    .int({ error: ({ input }) => complain('a size in bytes', input) })
    .min(1, { error: 'expected a size of at least 1' }),
  diffId: digest.exactOptional(),
  key: checked('64 hexadecimal digits', (value) =>
    /^[0-9a-f]{64}$/.test(value) ? undefined : { expected: '64 lower-case hexadecimal digits' },
  ),
  walked: z
    .int({ error: ({ input }) => complain('a version of the check for unsafe files', input) })
    .min(1, { error: 'expected a version of at least 1' })
    .exactOptional(),
});
const modelSchema = strict('a locked model', {
  framework: anyText('the name of a framework'),
  source: uri,
  revision: anyText('a revision'),
  metadata: recordOf(anyText('a key'), anyText('a text'), 'texts').exactOptional(),
  libraries: recordOf(anyText('the name of a library'), anyText('a version'), 'versions').exactOptional(),
  include: listOf(anyText('a glob'), 'globs'),
  exclude: listOf(anyText('a glob'), 'globs'),
  files: listOf(fileSchema, 'files').superRefine((files, context) => {
    // Files of `files:` have paths below /models, the others below the source: `targetPath` brings them together.
    for (const own of [true, false]) {
      const paths = files.filter((file) => (file.source === undefined) === own).map(({ path }) => path);
      for (const { first, second, why } of checkClashes(paths)) {
        context.addIssue({ code: 'custom', message: `\`${plain(first)}\` and \`${plain(second)}\` ${why}` });
      }
    }
  }),
  layers: listOf(layerSchema, 'layers').exactOptional(),
});
const lockSchema = strict('a lock', {
  lockVersion: z.literal(1, {
    error: ({ input }) => complain('lock version 1', input, '; a newer modelcars wrote it'),
  }),
  bases: recordOf(anyText('a base'), recordOf(anyText('a platform'), digest, 'digests'), 'bases'),
  models: recordOf(anyText('a model name'), modelSchema, 'locked models'),
});

/** A catalog's checked lock; undefined without a lock file. Fails with code `lock`, naming line and column. */
export async function readLock(file: string): Promise<Lock | undefined> {
  const text = await readText(file, reading);
  if (text === undefined) return undefined;
  const line = conflictLine(text);
  if (line !== undefined) {
    throw new ModelcarsError('lock', `${displayPath(file)}:${line}:1: a merge conflict was not resolved`, {
      next: `take either side of ${displayPath(file)} and run \`modelcars lock\``,
    });
  }
  // A lock of thousands of models has millions of characters, and is nearly always valid.
  const quick = lockSchema.safeParse(quickYaml(text));
  if (quick.success) return sorted(quick.data);
  const { readYaml } = await import('./yaml-document.ts');
  const document = readYaml(text, mostValues);
  if (document.mistakes.length > 0) throw diagnosticsError('lock', file, document.mistakes, next);
  if (document.value === null) {
    const empty = [{ line: 1, column: 1, text: 'the file is empty; expected a lock' }];
    throw diagnosticsError('lock', file, empty, next);
  }
  const parsed = lockSchema.safeParse(document.value);
  if (!parsed.success)
    throw diagnosticsError('lock', file, zodDiagnostics(parsed.error, document, knownKeys), next);
  return sorted(parsed.data);
}

/** A lock with the files of every model in order. */
function sorted({ bases, models }: z.output<typeof lockSchema>): Lock {
  const sortedModels = Object.entries(models).map(([name, model]): [string, LockedModel] => [
    name,
    { ...model, files: model.files.toSorted((a, b) => compareBytes(a.path, b.path)) },
  ]);
  return { lockVersion: 1, bases, models: Object.fromEntries(sortedModels) };
}

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(lockSchema.shape);
  if (path.length === 2) return Object.keys(modelSchema.shape);
  return Object.keys((path[2] === 'layers' ? layerSchema : fileSchema).shape);
}
