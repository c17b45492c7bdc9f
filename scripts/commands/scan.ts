import * as args from './args/index.ts';
import { scanOptions } from './args/scan.ts';
import { defineCommand } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars scan [model..]`: vulnerabilities of base images and loaders. */
export const scan = defineCommand({
  name: 'scan',
  describe: 'scan base images and loaders for vulnerabilities, with grype or trivy',
  args: {
    ...args.selection,
    shard: args.shard,
    base: args.overrides.base,
    platforms: args.overrides.platforms,
    mirrors: args.overrides.mirrors,
    scanner: args.scanner,
    ...args.scanning,
    frozen: args.frozen,
    ...args.access,
    ...args.reporting,
  },
  examples: [
    ['scan', 'what blocks a push with --scan'],
    ['scan --scanner trivy --fail-on critical', 'with trivy, and only critical ones fail'],
  ],
  async run({ args, io }) {
    const options = await openRun(args, io);
    const { scanModels } = await import('../pipeline/scan.ts');
    const outcomes = await scanModels({ ...options, scan: scanOptions(args) });
    const { name, platforms, scan } = outcomeColumns;
    return report('scan', outcomes, [name, platforms, scan], args, io, {});
  },
});
