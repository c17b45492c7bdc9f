import { basename } from 'node:path';
import { didYouMean } from '../text/suggest.ts';
import { type Arg, readText, usage } from './args/option.ts';
import { defineCommand } from './command.ts';
import { type Shell, shells } from './output/completion.ts';
import { completionScript } from './output/completion-script.ts';

/** The positional `[shell]`; by default that of $SHELL. */
const shell: Arg<Shell> = {
  options: {},
  positional: { spec: '[shell]', key: 'shell', describe: `${shells.join(', ')} (default that of $SHELL)` },
  read(parsed) {
    const named = readText(parsed, 'shell');
    const known = shells.find((one) => one === (named ?? basename(process.env.SHELL ?? '')));
    if (known !== undefined) return known;
    if (named === undefined) return 'bash';
    throw usage(`completion ${named}: expected ${shells.join(', ')}${didYouMean(named, shells)}`);
  },
};

/** `modelcars completion [shell]`: the script that makes a shell complete commands, options and models. */
export const completion = defineCommand({
  name: 'completion',
  describe: 'print a completion script for bash, zsh or fish',
  args: { shell },
  examples: [
    ['completion bash >> ~/.bashrc', 'for bash'],
    ['completion fish > ~/.config/fish/completions/modelcars.fish', 'for fish'],
  ],
  async run({ args, io }) {
    io.print(completionScript(args.shell).trimEnd());
    return 0;
  },
});
