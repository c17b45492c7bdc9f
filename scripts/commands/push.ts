import { optionSets } from './args/build.ts';
import { smokeOptions } from './args/kserve.ts';
import type { Command } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { runGate } from './push-verified.ts';
import { openRun } from './run-options.ts';

/** `modelcars push [model..]`: images straight from their sources into a registry, then their tags. */
export const push: Command = {
  name: 'push',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'push images and their tags to a registry',
  options: [
    ...optionSets.models,
    'shard',
    ...optionSets.overrides,
    'no-floating-tags',
    'frozen',
    'no-frozen',
    ...optionSets.access,
    'keep',
    'dry-run',
    'smoke',
    'output',
    ...smokeOptions,
    ...optionSets.output,
  ],
  examples: [
    ['push --registry quay.io/me --version v1.2.0', 'every model, tagged v1.2.0, v1.2, v1 and latest'],
    ['push --registry quay.io/me --smoke', 'only models that return the correct prediction in KServe'],
    ['push iris --dry-run', 'what would be sent and which tags would move'],
  ],
  async run(flags, context) {
    if (flags.kserve.gate) return runGate('push', flags, context);
    const options = await openRun(flags, context);
    const { pushModels } = await import('../pipeline/push.ts');
    const outcomes = await pushModels(options);
    const { name, digest, size, sent, tags } = outcomeColumns;
    return report('push', outcomes, [name, digest, size, sent, tags], flags, context);
  },
};
