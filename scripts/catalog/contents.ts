import { ModelcarsError } from '../errors.ts';
import { type Identity, identify } from '../formats/identify.ts';
import { signatureBytes } from '../formats/signature.ts';
import type { Framework, LockedFile } from '../model/types.ts';
import type { FileTap } from '../sources/types.ts';
import { plain } from '../text/format.ts';
import type { PlacedFile } from './completeness.ts';
import { matchesAny } from './globs.ts';

/** The frameworks whose files can be told from each other by their first bytes. */
const told: ReadonlySet<string> = new Set(['catboost', 'lightgbm', 'sklearn', 'xgboost']);

/** The first bytes of a model's files, kept while they are hashed. */
export class Heads {
  readonly #heads = new Map<string, Buffer>();

  /** A tap that keeps the first bytes, of a file of `files:` by its URI, and passes the file to `more` if given. */
  tap(more?: FileTap, uri?: string): FileTap {
    return (file) => {
      const other = more?.(file);
      let head = Buffer.alloc(0);
      return {
        update: (chunk) => {
          if (head.length < signatureBytes)
            head = Buffer.concat([head, chunk.subarray(0, signatureBytes - head.length)]);
          other?.update(chunk);
        },
        end: async (sha256) => {
          this.#heads.set(uri ?? file.path, head);
          await other?.end(sha256);
        },
      };
    };
  }

  /** What a file is, by its first bytes; undefined for one that was not hashed here: it costs no request of its own. */
  identify({ path, source }: Pick<LockedFile, 'path' | 'source'>): Identity | undefined {
    // Files of `files:` can have the paths of others.
    const head = this.#heads.get(source ?? path);
    return head && identify(head);
  }
}

/**
 * Fails with code `source` when a file that the framework requires is the model of another program, whatever its name:
 * the server would fail at its start. Content that says nothing passes.
 */
export function checkContents(
  model: { name: string },
  framework: Framework,
  placed: readonly PlacedFile[],
  heads: Heads,
): void {
  if (!told.has(framework.name)) return;
  const { requires, place = (path: string) => path } = framework;
  const globs = requires.flatMap(({ anyOf }) => anyOf.map(place));
  for (const one of placed.filter(({ path }) => matchesAny(path, globs))) {
    const identity = heads.identify(one.file);
    if (identity === undefined || identity.framework === framework.name) continue;
    const { what, framework: other } = identity;
    throw new ModelcarsError(
      'source',
      `resolve model ${model.name}: ${plain(one.file.source ?? one.file.path)} is ${what}, which ${framework.name} cannot load`,
      {
        next:
          other === undefined
            ? `correct \`source\`, or save the model in the format of ${framework.name}`
            : `take \`framework: ${other}\`, or save the model in the format of ${framework.name}`,
      },
    );
  }
}
