import { outputLayout } from './args/build.ts';
import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { limitMemory } from './max-memory.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars build [model..]`: images into an OCI image layout on disk. */
export const build = defineCommand({
  name: 'build',
  describe: 'build images into an OCI image layout',
  args: {
    ...args.selection,
    shard: args.shard,
    ...args.overrides,
    output: args.output,
    verify: args.verify,
    frozen: args.frozen,
    ...args.access,
    maxMemory: args.maxMemory,
    keep: args.keep,
    scan: args.scan,
    ...args.scanning,
    dryRun: args.dryRun,
    unsafeFiles: args.unsafeFiles,
    ...args.reporting,
  },
  examples: [
    ['build', 'every model of models.yaml into out/'],
    ['build iris --version v1.2.0', 'one model, as iris:v1.2.0'],
    ['build --base embedded --verify', 'no registry needed; checked afterwards'],
    ['build --only framework=sklearn --dry-run', 'what would be built'],
  ],
  async run({ args, io }) {
    await limitMemory(args.maxMemory, 'images');
    const options = await openRun(args, io);
    const output = outputLayout(args.output);
    const { buildModels } = await import('../pipeline/build.ts');
    const outcomes = await buildModels({ ...options, output, verify: args.verify });
    const { name, digest, size, layers, tags, scan, checks } = outcomeColumns;
    const columns = [
      name,
      digest,
      size,
      layers,
      tags,
      ...(args.scan ? [scan] : []),
      ...(args.verify ? [checks] : []),
    ];
    return report('build', outcomes, columns, args, io, { output });
  },
});
