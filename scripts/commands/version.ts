import { readFileSync } from 'node:fs';
import { packageFile } from '../package.ts';
import * as args from './args/index.ts';
import { defineCommand } from './command.ts';

/** This program's version, from package.json. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}

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
    if (args.json) io.printJson(facts);
    else io.print(`modelcars ${facts.version} (node ${facts.node}, ${facts.platform})`);
    return 0;
  },
});
