import { z } from 'zod';
import { document, outcomes } from './parts.ts';

/** The documents of the commands that start a repository. */

const initFile = z
  .strictObject({
    path: z.string().describe('As a user would write it.'),
    status: z
      .enum(['created', 'changed', 'kept'])
      .describe('What happened to it; with `dryRun`, what would.'),
    added: z.array(z.string()).describe('Lines added to a changed file.').exactOptional(),
  })
  .meta({ id: 'InitFile' });

export const init = document('init', {
  dryRun: z.boolean().describe('Whether nothing was written.'),
  files: z.array(initFile).describe('models.yaml first.'),
  next: z.string().describe('The command to run next.'),
});

const addedModel = z
  .strictObject({
    name: z.string().describe('Name in the catalog.'),
    framework: z.string().describe('A folder of `frameworks/`.'),
    source: z.string().describe('URI of its files.'),
    include: z.array(z.string()).describe('As in models.yaml.').exactOptional(),
    files: z.record(z.string(), z.string()).describe('As in models.yaml.').exactOptional(),
    version: z.string().describe('As in models.yaml.').exactOptional(),
    why: z.string().describe('Why this framework.'),
  })
  .meta({ id: 'AddedModel' });

export const add = document('add', {
  ...outcomes,
  file: z.string().describe('models.yaml, as a user would write it.'),
  change: z
    .enum(['created', 'changed', 'unchanged'])
    .describe('What happened to models.yaml; with `dryRun`, what would.'),
  added: z.array(addedModel).describe('The new entries.'),
  lockFile: z
    .string()
    .describe('The lock, as a user would write it; absent with `--no-lock`.')
    .exactOptional(),
  lock: z.enum(['created', 'changed', 'unchanged']).describe('What happened to the lock.').exactOptional(),
});
