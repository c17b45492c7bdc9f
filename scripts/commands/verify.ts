import type { Outcome } from '../pipeline/types.ts';
import { oneLine } from '../text/width.ts';
import { optionSets } from './args/build.ts';
import type { Command, Context } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars verify [model..]`: proves that built or pushed images are what KServe can serve. */
export const verify: Command = {
  name: 'verify',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'check built or pushed images against the image contract and the lock',
  options: [
    ...optionSets.models,
    'shard',
    'registry',
    'version',
    'base',
    'platform',
    'mirror',
    'output',
    'remote',
    ...optionSets.access,
    ...optionSets.output,
  ],
  examples: [
    ['verify', 'every image in out/'],
    ['verify --remote --registry quay.io/me', 'what the registry holds'],
  ],
  async run(flags, context) {
    const options = await openRun(flags, context);
    const { verifyModels } = await import('../pipeline/verify.ts');
    const from = flags.remote ? ({ registry: true } as const) : { layout: flags.output };
    const outcomes = await verifyModels({ ...options, from });
    context.progress.stop();
    if (!flags.json) for (const outcome of outcomes) printChecks(outcome, context);
    const { name, digest, platforms } = outcomeColumns;
    return report('verify', outcomes, [name, digest, platforms], flags, context);
  },
};

/** What was found to hold of one image; a rule of several platforms is one line where it says the same of each. */
function printChecks({ name, model, checks = [] }: Outcome, { print, colors, masker }: Context): void {
  if (checks.length === 0) return;
  const lines = new Map<string, { rule: string; text: string; platforms: string[] }>();
  for (const { rule, text, platform } of checks) {
    const key = `${rule}\n${text}`;
    const line = lines.get(key) ?? { rule, text, platforms: [] };
    if (platform !== undefined) line.platforms.push(platform);
    lines.set(key, line);
  }
  print(colors.bold(oneLine(masker.mask(name ?? model))));
  for (const { rule, text, platforms } of lines.values()) {
    const where = platforms.length > 0 ? `${platforms.join(', ')}: ` : '';
    print(`  ${colors.green('✓')} ${rule.padEnd(17)} ${oneLine(masker.mask(where + text))}`);
  }
  print('');
}
