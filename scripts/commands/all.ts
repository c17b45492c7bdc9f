import { optionSets } from './args/build.ts';
import { smokeOptions } from './args/kserve.ts';
import type { Command } from './command.ts';
import { runGate } from './push-verified.ts';

/** `modelcars all [model..]`: build, verify, smoke, push. */
export const all: Command = {
  name: 'all',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'build, verify, smoke, and push models that pass the smoke test',
  options: [
    ...optionSets.models,
    'shard',
    ...optionSets.overrides,
    'no-floating-tags',
    'output',
    'frozen',
    'no-frozen',
    ...optionSets.access,
    'keep',
    'dry-run',
    ...smokeOptions,
    ...optionSets.output,
  ],
  examples: [
    ['all --registry quay.io/me --version v1.2.0', 'models that fail the smoke test are not pushed'],
    ['all --local --registry quay.io/me', 'the same without a cluster'],
  ],
  run: (flags, context) => runGate('all', flags, context),
};
