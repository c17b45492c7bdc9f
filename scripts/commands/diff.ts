import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { printDiff } from './output/diff-report.ts';
import { optionalCatalog, registryAccess } from './run-options.ts';

/** Exit code of --exit-code when the images differ; 1 and 2 mean failures. */
const differentCode = 3;

/** `modelcars diff <image> <image>`: what changed between two versions. */
export const diff = defineCommand({
  name: 'diff',
  describe: 'show what changed between two images: files, base, config, annotations',
  args: {
    images: args.comparedImages,
    file: args.selection.file,
    registry: args.overrides.registry,
    mirrors: args.overrides.mirrors,
    layout: args.layout,
    readLayers: args.readLayers,
    ...args.registryAccess,
    exitCode: args.exitCode,
    ...args.reporting,
  },
  examples: [
    ['diff iris@v1.2.3 iris@v1.2.4', 'two versions in the registry of models.yaml'],
    ['diff quay.io/me/iris:v1.2.3 :v1.2.4', 'two tags of a repository, without models.yaml'],
    ['diff iris@v1.2.3 iris:v1.2.4', 'what is pushed with what was built'],
  ],
  async run({ args: values, io }) {
    const { registry, mirrors, images, layout, readLayers } = values;
    const catalog = await optionalCatalog(values, { registry, mirrors });
    const { diffImages } = await import('../pipeline/diff/diff.ts');
    const result = await diffImages({
      ...{ images, layout, readLayers, catalog },
      mirrors: catalog?.mirrors ?? mirrors ?? {},
      registry: registryAccess(values),
      signal: io.signal,
      progress: io.progress,
    });
    io.progress.stop();
    if (values.json) io.printJson('diff', { ok: true, ...result });
    else printDiff(result, io);
    return values.exitCode && !result.equal ? differentCode : 0;
  },
});
