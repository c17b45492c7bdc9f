import { z } from 'zod';
import { document } from './parts.ts';

const checkResultSchema = z
  .strictObject({
    check: z
      .enum([
        'modelcars',
        'node',
        'catalog',
        'lock',
        'hub',
        'hub-model',
        'registry',
        'store',
        'output',
        'python',
        'container-engine',
        'cluster',
      ])
      .describe('What was checked.'),
    subject: z.string().describe('The registry or the model.').exactOptional(),
    status: z
      .enum(['ok', 'warn', 'fail'])
      .describe(
        '`fail`: does not work although it is configured or always needed; `warn`: some commands lack it.',
      ),
    message: z.string().describe('What was found, for people.'),
    next: z.string().describe('The next step, for people.').exactOptional(),
  })
  .meta({ id: 'CheckResult' });

/** `ok` is false only when Node or the catalog failed. */
export const doctor = document('doctor', {
  checks: z.array(checkResultSchema).describe('In the order in which they are printed.'),
});
