import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { optionalCatalog, runOptions } from './run-options.ts';

/** `modelcars promote [image..]`: copies images with their signatures to another registry. */
export const promote = defineCommand({
  name: 'promote',
  describe: 'copy pushed images, signatures and attestations to another registry',
  args: {
    images: args.images,
    file: args.selection.file,
    only: args.selection.only,
    ...args.between,
    version: args.overrides.version,
    tags: args.overrides.tags,
    floatingTags: args.floatingTags,
    ...args.registryAccess,
    concurrency: args.concurrency,
    verifyLayers: args.verifyLayers,
    ...args.signers,
    createRepository: args.createRepository,
    dryRun: args.dryRun,
    ...args.reporting,
  },
  examples: [
    ['promote iris@v1.2.3 --to quay.io/prod', 'from the registry of models.yaml, by digest'],
    ['promote --from quay.io/dev --to quay.io/prod', 'every model, at the version of models.yaml'],
    ['promote quay.io/dev/iris:v1.2.3 --to quay.io/prod -n', 'what would be copied, without models.yaml'],
  ],
  async run({ args: values, io }) {
    const catalog = await optionalCatalog(values);
    const { readPromotions } = await import('../pipeline/promotions.ts');
    const { promoteImages } = await import('../pipeline/promote.ts');
    const promotions = readPromotions({ ...values, catalog });
    const { verifyLayers, createRepository } = values;
    const trust = args.readTrust(values, catalog?.trust);
    const run = { ...runOptions(values, io), verifyLayers, createRepository, trust };
    const outcomes = await promoteImages({ ...run, catalog, promotions });
    const { name, digest, size, sent, referrers, tags } = outcomeColumns;
    return report('promote', outcomes, [name, digest, size, sent, referrers, tags], values, io, {});
  },
});
