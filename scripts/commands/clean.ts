import type { Command } from './command.ts';

/** `modelcars clean`: removes what build made. */
export const clean: Command = {
  name: 'clean',
  describe: 'remove what build made',
  options: ['output', 'dry-run', 'json'],
  examples: [['clean --dry-run', 'what would be removed from out/']],
  async run(flags, context) {
    const { clean: cleanLayout } = await import('../pipeline/clean.ts');
    const removed = await cleanLayout(flags.output, { dryRun: flags.dryRun });
    if (flags.json) {
      context.printJson({ command: 'clean', ok: true, dryRun: flags.dryRun, output: flags.output, removed });
      return 0;
    }
    for (const path of removed) context.print(`${flags.dryRun ? 'would remove' : 'removed'} ${path}`);
    if (removed.length === 0) context.tell(`nothing to remove in ${flags.output}`);
    return 0;
  },
};
