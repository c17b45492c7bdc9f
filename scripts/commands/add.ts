import type { Added } from '../pipeline/add.ts';
import { displayPath } from '../text/paths.ts';
import { oneLine } from '../text/width.ts';
import * as args from './args/index.ts';
import { usage } from './args/option.ts';
import { defined } from './args/values.ts';
import { type CommandIO, defineCommand } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { runOptions } from './run-options.ts';

/** `modelcars add <what..>`: appends models to models.yaml and locks them. */
export const add = defineCommand({
  name: 'add',
  describe: 'append models to models.yaml and lock them',
  args: {
    what: args.what,
    file: args.selection.file,
    ...args.guesses,
    version: args.overrides.version,
    mirrors: args.overrides.mirrors,
    lock: args.lockNew,
    ...args.access,
    dryRun: args.dryRun,
    ...args.reporting,
  },
  examples: [
    ['add ./iris.joblib', 'a file; its name in the image is the one that the server looks for'],
    ['add ibm-granite/granite-3.0-2b-instruct', 'a repository of the hub, or the URL of its page'],
    ['add ./model.bst --name fraud --version v1.0.0', 'with a name and a version of its own'],
  ],
  async run({ args, io }) {
    const { file, what, name, framework, version, mirrors, lock } = args;
    if (name !== undefined && what.length > 1)
      throw usage('--name is for one model', 'add the models one by one, or leave --name out');
    const { addModels } = await import('../pipeline/add.ts');
    const overrides = defined({ version, mirrors });
    const run = { ...runOptions(args, io), frozen: false };
    const added = await addModels({ file, what, overrides, lock, run, ...defined({ name, framework }) });
    if (!args.json) printAdditions(added, io);
    const { catalog, additions, change, locking } = added;
    const catalogFile = displayPath(catalog.file);
    const more = {
      file: catalogFile,
      change,
      added: additions.map(({ model, why }) => ({ ...model, why })),
      ...(locking && { lockFile: displayPath(catalog.lockFile), lock: locking.change }),
    };
    const { name: title, size, digest } = outcomeColumns;
    const code = report('add', locking?.outcomes ?? [], [title, size, digest], args, io, more);
    if (args.json) return code;
    const would = args.dryRun ? 'would be ' : '';
    if (code === 1) {
      io.note(`${catalogFile}: unchanged, because a model could not be locked; --no-lock adds it anyway`);
      return code;
    }
    io.note(`${catalogFile}: ${would}${change}`);
    if (locking) io.note(`${displayPath(catalog.lockFile)}: ${would}${locking.change}`);
    const names = additions.map(({ model }) => model.name).join(' ');
    const { commandFor } = await import('../catalog/lock-path.ts');
    const next = commandFor(catalog, locking ? `build ${names} --verify` : `lock ${names}`);
    if (!args.dryRun) io.note(`next: ${next}`);
    return code;
  },
});

/** One line per model, with the reason; then its entry. */
function printAdditions({ additions }: Added, io: CommandIO): void {
  for (const { model, why, note, yaml } of additions) {
    const reason = `${model.name}: ${model.framework}, ${why}${note === undefined ? '' : `; ${note}`}`;
    io.print(oneLine(io.masker.mask(reason)));
    for (const line of yaml.trimEnd().split('\n')) io.print(`  ${oneLine(io.masker.mask(line))}`);
  }
}
