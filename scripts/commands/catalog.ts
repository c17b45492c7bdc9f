import * as args from './args/index.ts';
import { defined } from './args/values.ts';
import { defineCommand } from './command.ts';
import { openRun } from './run-options.ts';

/** `modelcars catalog [model..]`: pages about the models for people, or for the catalog of Open Data Hub. */
export const catalog = defineCommand({
  name: 'catalog',
  describe: 'write a static site of all models, or the model catalog of Open Data Hub',
  args: {
    ...args.selection,
    ...args.overrides,
    layout: args.layout,
    remote: args.remote,
    output: args.output,
    format: args.catalogFormat,
    title: args.title,
    namespace: args.namespace,
    pullSecrets: args.pullSecrets,
    ...args.access,
    ...args.reporting,
  },
  examples: [
    ['catalog --registry quay.io/me', 'a site in site/, of the images in out/ and the lock'],
    ['catalog --remote --output public', 'of what the registry holds, with versions and signatures'],
    ['catalog --format odh --remote --output odh', 'sources.yaml and a YAML catalog for Open Data Hub'],
  ],
  async run({ args, io }) {
    const options = await openRun(args, io);
    const { writeCatalogPages } = await import('../pipeline/catalog-page.ts');
    const { format, namespace, pullSecrets, title } = args;
    const output = args.output ?? (format === 'odh' ? 'odh' : 'site');
    const { models, files, written, removed } = await writeCatalogPages({
      ...options,
      from: args.remote ? { registry: true } : { layout: args.layout },
      format,
      output,
      title,
      pullSecrets,
      ...defined({ namespace }),
    });
    io.progress.stop();
    if (args.json) {
      io.printJson('catalog', {
        ok: true,
        format,
        output,
        files,
        written,
        removed,
        models: models.map(({ name, image: { repository, digest, signature }, card }) => ({
          model: name,
          ...defined({ repository, digest }),
          signature: signature.state,
          card: card.state,
        })),
      });
      return 0;
    }
    const count = models.length === 1 ? '1 model' : `${models.length} models`;
    const parts = [`${written} of ${files} files written`, removed.length > 0 && `${removed.length} removed`];
    io.print(`${output}: ${count}, ${parts.filter((part) => part !== false).join(', ')}`);
    if (format === 'html') io.note(`open ${output.replace(/\/+$/, '')}/index.html in a browser`);
    return 0;
  },
});
