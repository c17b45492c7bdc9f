import type { z } from 'zod';
import { doctor } from './doctor.ts';
import * as images from './images.ts';
import * as listings from './listings.ts';
import * as local from './local.ts';
import * as runs from './runs.ts';
import * as start from './start.ts';

/**
 * The `--json` document of every command: the schema from which the type of what the command prints, the JSON Schema in
 * docs/reference/json/ and the tables of docs/reference/json.md follow. A new command adds its line here. At run time
 * only tests and `npm run schema` load this; commands import its types.
 */
export const documents = {
  init: start.init,
  add: start.add,
  list: listings.list,
  lock: runs.lock,
  outdated: runs.outdated,
  build: runs.build,
  verify: runs.verify,
  smoke: runs.smokeRun,
  push: runs.push,
  all: runs.all,
  sign: runs.sign,
  promote: runs.promote,
  register: runs.register,
  rebase: runs.rebase,
  pull: images.pull,
  diff: images.diff,
  manifest: listings.manifest,
  prefetch: listings.prefetch,
  catalog: listings.catalog,
  policy: listings.policy,
  cache: runs.cache,
  inspect: listings.inspect,
  bases: runs.bases,
  scan: runs.scan,
  split: listings.split,
  clean: local.clean,
  prune: local.prune,
  doctor,
  version: listings.version,
};

type Documents = typeof documents;

/** A command that prints a document. */
export type DocumentName = keyof Documents;

/** A command whose document reports on models one by one. */
export type OutcomesName = {
  [N in DocumentName]: 'models' extends keyof Fields<N>
    ? 'dryRun' extends keyof Fields<N>
      ? N
      : never
    : never;
}[DocumentName];

/** What a command prints, without the heading that printJson adds. */
export type Fields<N extends DocumentName> = Omit<z.output<Documents[N]>, 'schemaVersion' | 'command'>;
