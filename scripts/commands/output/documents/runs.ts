import { z } from 'zod';
import { bytes, document, errorSchema, outcomes, smokeResults } from './parts.ts';

/** The documents of the commands that work on models one by one. */

const changeKind = z.enum(['added', 'removed', 'changed']);
const fileState = z
  .strictObject({
    size: bytes.describe('Bytes.'),
    sha256: z.string().describe('64 hexadecimal digits.'),
  })
  .meta({ id: 'FileState' });
const fileChange = z
  .strictObject({
    path: z.string().describe("Path below the source's root."),
    change: changeKind.describe('How it changed.'),
    from: fileState.describe('Before.').exactOptional(),
    to: fileState.describe('After.').exactOptional(),
  })
  .meta({ id: 'FileChange' });
const modelChange = z
  .strictObject({
    model: z.string().describe('Name in the catalog.'),
    change: changeKind.describe('How its entry changed.'),
    from: z.string().describe('Revision before.').exactOptional(),
    to: z.string().describe('Revision after.').exactOptional(),
    size: bytes.describe('Bytes of all files after the change; of a removed model, before it.'),
    files: z.array(fileChange).describe('The files that differ.'),
    fields: z.array(z.string()).describe("Other fields of the lock's entry that differ."),
    catalog: z.string().describe('Of a removed model: the other catalog that has it.').exactOptional(),
  })
  .meta({ id: 'ModelChange' });
const baseChange = z
  .strictObject({
    base: z.string().describe('As in the catalog.'),
    platform: z.string().describe('As in `linux/amd64`.'),
    from: z.string().describe('Manifest digest before.').exactOptional(),
    to: z.string().describe('Manifest digest after.').exactOptional(),
  })
  .meta({ id: 'BaseChange' });

export const lock = document('lock', {
  ...outcomes,
  lockFile: z.string().describe('Absolute path of the lock.'),
  change: z
    .enum(['created', 'changed', 'unchanged'])
    .describe('What happened to the lock; with `dryRun`, what would happen.'),
  changes: z
    .strictObject({
      models: z.array(modelChange).describe('Sorted by name.'),
      bases: z.array(baseChange).describe('Sorted by name and platform.'),
    })
    .describe('The differences between the old lock and the new one.'),
});

const comparison = z
  .strictObject({
    model: z.string().describe('Name in the catalog.'),
    status: z.enum(['up to date', 'outdated', 'not locked', 'failed']).describe('What the comparison found.'),
    locked: z.string().describe('Locked revision; absent for a loader.').exactOptional(),
    newest: z.string().describe('Newest revision; absent for a loader.').exactOptional(),
    fixed: z
      .literal(true)
      .describe('models.yaml names the commit, so only a change there moves it.')
      .exactOptional(),
    files: z.array(fileChange).describe('The files that differ.'),
    fields: z.array(z.string()).describe("Other fields of the lock's entry that differ."),
    size: bytes.describe('Bytes of the files that `lock --upgrade` adds or changes.'),
    bases: z.array(baseChange).describe('The bases that differ.'),
    error: errorSchema.describe('Why the model failed, with status `failed`.').exactOptional(),
  })
  .meta({ id: 'Comparison' });

export const outdated = document('outdated', {
  lockFile: z.string().describe('Absolute path of the lock.'),
  next: z.array(z.string()).describe('The commands to run next.'),
  models: z.array(comparison).describe("In the catalog's order."),
});

const output = z.string().describe('The layout: `--output`.');
const smoke = smokeResults.describe('The results of the smoke test.');

export const build = document('build', { ...outcomes, output });
export const verify = document('verify', outcomes);
export const sign = document('sign', outcomes);
export const push = document('push', { ...outcomes, smoke: smoke.exactOptional() });
export const promote = document('promote', outcomes);
export const register = document('register', outcomes);
export const rebase = document('rebase', outcomes);
export const all = document('all', { ...outcomes, smoke });
export const bases = document('bases', outcomes);
export const scan = document('scan', outcomes);
export const cache = document('cache', outcomes);
const recorded = z
  .strictObject({
    model: z.string().describe('Name in the catalog.'),
    expect: z.record(z.string(), z.unknown()).describe('`expect:` as written into models.yaml.'),
    less: z.string().describe('What of the answer is not written down, for people.').exactOptional(),
  })
  .meta({ id: 'Recorded' });
export const smokeRun = document('smoke', {
  results: smoke,
  recorded: z.array(recorded).describe('With `--record`: what was written.').exactOptional(),
});
