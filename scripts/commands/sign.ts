import * as args from './args/index.ts';
import { pick } from './args/values.ts';
import { defineCommand } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars sign [model..]`: signs images that are in a registry, after verifying them. */
export const sign = defineCommand({
  name: 'sign',
  describe: 'verify pushed images and sign them',
  args: {
    ...args.selection,
    shard: args.shard,
    registry: args.overrides.registry,
    version: args.overrides.version,
    base: args.overrides.base,
    platforms: args.overrides.platforms,
    mirrors: args.overrides.mirrors,
    unsafeFiles: args.unsafeFiles,
    attest: args.attest,
    ...args.signing,
    trustedRoot: args.trustedRoot,
    ...args.access,
    dryRun: args.dryRun,
    ...args.reporting,
  },
  examples: [
    ['sign --registry quay.io/me --key cosign.key', 'with the key of `cosign generate-key-pair`'],
    ['sign --registry quay.io/me', 'in CI: with the identity of the job'],
  ],
  async run({ args: values, io }) {
    const options = await openRun(values, io);
    const { signModels } = await import('../pipeline/sign.ts');
    const signing = { ...pick(values, args.signing), ...pick(values, { trustedRoot: args.trustedRoot }) };
    const outcomes = await signModels({ ...options, signing, attest: values.attest });
    const { name, digest, signatures, attestations } = outcomeColumns;
    const columns = [name, digest, signatures, ...(values.attest ? [attestations] : [])];
    return report('sign', outcomes, columns, values, io, {});
  },
});
