import * as args from './args/index.ts';
import { defineCommand } from './command.ts';

/** `modelcars clean`: removes what build made. */
export const clean = defineCommand({
  name: 'clean',
  describe: 'remove what build made',
  args: { layout: args.layout, dryRun: args.dryRun, json: args.json },
  examples: [['clean --dry-run', 'what would be removed from out/']],
  async run({ args, io }) {
    const { clean: cleanLayout } = await import('../pipeline/clean.ts');
    const removed = await cleanLayout(args.layout, { dryRun: args.dryRun });
    if (args.json) {
      io.printJson('clean', { ok: true, dryRun: args.dryRun, layout: args.layout, removed });
      return 0;
    }
    for (const path of removed) io.print(`${args.dryRun ? 'would remove' : 'removed'} ${path}`);
    if (removed.length === 0) io.note(`nothing to remove in ${args.layout}`);
    return 0;
  },
});
