import { resolve } from 'node:path';
import * as args from './args/index.ts';
import { defined } from './args/values.ts';
import { defineCommand } from './command.ts';

/** `modelcars init`: the files of a new repository of models. */
export const init = defineCommand({
  name: 'init',
  describe: 'start a repository: write models.yaml, its schema, .gitignore and a CI file',
  args: {
    file: args.selection.file,
    registry: args.overrides.registry,
    base: args.overrides.base,
    ci: args.ci,
    dryRun: args.dryRun,
    json: args.json,
  },
  examples: [
    ['init --registry quay.io/me', 'in an empty folder, or beside existing models'],
    ['init --ci github', 'with a workflow for GitHub Actions'],
  ],
  async run({ args, io }) {
    const { initFolder } = await import('../pipeline/init.ts');
    const { file, registry, base, ci, dryRun } = args;
    const { files, models } = await initFolder({ file, dryRun, ...defined({ registry, base, ci }) });
    const { commandFor } = await import('../catalog/lock-path.ts');
    const next = commandFor({ file: resolve(file) }, models === 0 ? 'add ./model.joblib' : 'lock');
    if (args.json) {
      io.printJson('init', { ok: true, dryRun, files, next });
      return 0;
    }
    const would = dryRun ? 'would be ' : '';
    for (const { path, status, added } of files) {
      if (status === 'kept') io.print(`${path}: exists, kept as it is`);
      else if (status === 'created') io.print(`${path}: ${would}created`);
      else io.print(`${path}: ${added?.join(' and ')} ${would}added`);
    }
    const isKept = files[0]?.status === 'kept';
    for (const [option, value] of Object.entries(defined({ registry, base })))
      if (isKept) io.note(`--${option} ${value} is not written to ${files[0]?.path}, which exists`);
    const more = models === 0 ? ' (or a folder, org/name of the hub, https://…, s3://…)' : '';
    io.note(`next: ${next}${more}`);
    return 0;
  },
});
