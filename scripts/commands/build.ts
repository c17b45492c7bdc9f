import { optionSets } from './args/build.ts';
import type { Command } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars build [model..]`: images into an OCI image layout on disk. */
export const build: Command = {
  name: 'build',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'build images into an OCI image layout',
  options: [
    ...optionSets.models,
    'shard',
    ...optionSets.overrides,
    'output',
    'verify',
    'frozen',
    'no-frozen',
    ...optionSets.access,
    'keep',
    'dry-run',
    ...optionSets.output,
  ],
  examples: [
    ['build', 'every model of models.yaml into out/'],
    ['build iris --version v1.2.0', 'one model, as iris:v1.2.0'],
    ['build --base embedded --verify', 'no registry needed; checked afterwards'],
    ['build --only framework=sklearn --dry-run', 'what would be built'],
  ],
  async run(flags, context) {
    const options = await openRun(flags, context);
    const { buildModels } = await import('../pipeline/build.ts');
    const outcomes = await buildModels({ ...options, output: flags.output, verify: flags.verify });
    const { name, digest, size, layers, tags, checks } = outcomeColumns;
    const columns = [name, digest, size, layers, tags, ...(flags.verify ? [checks] : [])];
    return report('build', outcomes, columns, flags, context, { output: flags.output });
  },
};
