import { programVersion } from '../package.ts';
import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { versionLine } from './program-version.ts';

/** `modelcars version`, also `modelcars -V`: in build and push, `--version` is the version of the images. */
export const version = defineCommand({
  name: 'version',
  describe: 'show the version of this program (also -V)',
  args: { json: args.json },
  examples: [],
  async run({ args, io }) {
    const facts = {
      version: programVersion(),
      node: process.version,
      platform: `${process.platform}/${process.arch}`,
    };
    if (args.json) io.printJson('version', { ok: true, ...facts });
    else io.print(versionLine());
    return 0;
  },
});
