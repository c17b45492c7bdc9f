import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { gateColumns, readSigning, signingArgs } from './push-signing.ts';
import { optionalCatalog, runOptions } from './run-options.ts';

/** `modelcars rebase [image..]`: new versions of pushed images on another base. */
export const rebase = defineCommand({
  name: 'rebase',
  describe: 'make a new version of pushed images on another base, without reading a model',
  args: {
    images: args.images,
    file: args.selection.file,
    only: args.selection.only,
    base: args.overrides.base,
    pull: args.pull,
    version: args.overrides.version,
    tags: args.overrides.tags,
    floatingTags: args.floatingTags,
    registry: args.overrides.registry,
    to: args.between.to,
    mirrors: args.overrides.mirrors,
    ...args.access,
    verifyLayers: args.verifyLayers,
    createRepository: args.createRepository,
    ...signingArgs,
    scan: args.scan,
    ...args.scanning,
    dryRun: args.dryRun,
    ...args.reporting,
  },
  examples: [
    ['rebase', 'every model, on the base and at the version of models.yaml'],
    ['rebase --pull --version v1.2.4', 'on the newest image of the same base'],
    ['rebase iris@v1.2.3 --base quay.io/me/base:2 --version v1.2.4', 'one image'],
    ['rebase quay.io/me/iris:v1.2.3 --base embedded --version v1.2.4', 'without models.yaml'],
  ],
  async run({ args: values, io }) {
    const { mirrors } = values;
    const found = await optionalCatalog(values, { mirrors });
    const { readRebases } = await import('../pipeline/rebases.ts');
    const rebases = readRebases({ ...values, catalog: found });
    const { rebaseImages } = await import('../pipeline/rebase.ts');
    const { noCatalog } = await import('../pipeline/no-catalog.ts');
    const catalog = found ?? noCatalog(mirrors);
    const { pull, verifyLayers, createRepository } = values;
    const more = { pull, verifyLayers, createRepository };
    const options = { ...runOptions(values, io), ...readSigning(values), ...more };
    const outcomes = await rebaseImages({ ...options, catalog, rebases });
    const { name, from, base, digest, sent, tags } = outcomeColumns;
    const columns = [name, from, base, digest, sent, ...gateColumns(values, options), tags];
    return report('rebase', outcomes, columns, values, io, {});
  },
});
