import type { Outcome } from '../pipeline/types.ts';
import { oneLine } from '../text/width.ts';
import * as args from './args/index.ts';
import { type ArgValues, usage } from './args/option.ts';
import { type CommandIO, defineCommand } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

type SignerFlags = ArgValues<typeof args.signers> & { remote: boolean };

/** `modelcars verify [model..]`: proves that KServe can serve built or pushed images. */
export const verify = defineCommand({
  name: 'verify',
  describe: 'check built or pushed images against the image contract and the lock',
  args: {
    ...args.selection,
    shard: args.shard,
    registry: args.overrides.registry,
    version: args.overrides.version,
    base: args.overrides.base,
    platforms: args.overrides.platforms,
    mirrors: args.overrides.mirrors,
    layout: args.layout,
    remote: args.remote,
    unsafeFiles: args.unsafeFiles,
    ...args.signers,
    ...args.access,
    ...args.reporting,
  },
  examples: [
    ['verify', 'every image in out/'],
    ['verify --remote --registry quay.io/me', 'what the registry holds'],
    ['verify --remote --registry quay.io/me --key cosign.pub', 'and that its owner signed it'],
  ],
  async run({ args: values, io }) {
    const options = await openRun(values, io);
    checkSigners(values);
    const { verifyModels } = await import('../pipeline/verify.ts');
    const from = values.remote ? ({ registry: true } as const) : { layout: values.layout };
    const trust = args.readTrust(values, options.catalog.trust);
    const outcomes = await verifyModels({ ...options, from, ...(trust && values.remote && { trust }) });
    io.progress.stop();
    if (!values.json) for (const outcome of outcomes) printChecks(outcome, io);
    const { name, digest, platforms } = outcomeColumns;
    return report('verify', outcomes, [name, digest, platforms], values, io, {});
  },
});

/** A layout has no signatures: nothing would be checked. */
function checkSigners({ remote, publicKeys, identity, identityPattern }: SignerFlags): void {
  const given = publicKeys.length > 0 || identity !== undefined || identityPattern !== undefined;
  if (given && !remote)
    throw usage('--key and --identity need --remote: signatures are in a registry, not in a layout');
}

/** Prints the rules that one image passed. A rule checked on several platforms is one line where the results agree. */
function printChecks({ name, model, checks = [] }: Outcome, { print, colors, masker }: CommandIO): void {
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
