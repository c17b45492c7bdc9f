import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { openRun } from './run-options.ts';

/** `modelcars bom [model]`: the bill of materials of a model's image, in CycloneDX. */
export const bom = defineCommand({
  name: 'bom',
  describe: "print the bill of materials (CycloneDX) of a model's image",
  args: {
    ...args.selection,
    ...args.overrides,
    layout: args.layout,
    remote: args.remote,
    frozen: args.frozen,
    ...args.access,
    noProgress: args.noProgress,
  },
  examples: [
    ['bom iris > iris.cdx.json', 'of the image in out/, or as the lock describes it'],
    ['bom iris --remote --registry quay.io/me', 'of the pushed image'],
  ],
  async run({ args, io }) {
    const options = await openRun(args, io);
    const { bomOfModel } = await import('../pipeline/bom.ts');
    const document = await bomOfModel({
      ...options,
      from: args.remote ? { registry: true } : { layout: args.layout },
    });
    io.progress.stop();
    io.print(JSON.stringify(document, undefined, 2));
    return 0;
  },
});
