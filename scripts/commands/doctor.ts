import { programVersion } from '../package.ts';
import type { CheckResult } from '../pipeline/doctor/types.ts';
import { oneLine, textWidth } from '../text/width.ts';
import { outputLayout } from './args/build.ts';
import * as args from './args/index.ts';
import { defined } from './args/values.ts';
import { type CommandIO, defineCommand } from './command.ts';
import { registryAccess } from './run-options.ts';

/** Milliseconds for each check; all run at the same time. */
const patience = 10_000;

/** `modelcars doctor`: checks what the other commands depend on. */
export const doctor = defineCommand({
  name: 'doctor',
  describe: 'check Node, catalog, credentials, store, disks and cluster, with a next step for each problem',
  args: {
    file: args.selection.file,
    registry: args.overrides.registry,
    mirrors: args.overrides.mirrors,
    output: args.output,
    store: args.store,
    ...args.registryAccess,
    kubeconfig: args.kubeconfig,
    context: args.context,
    offline: args.offline,
    json: args.json,
  },
  examples: [
    ['doctor', 'before the first push from a new machine, or when a run failed'],
    ['doctor --registry quay.io/me', 'also whether quay.io accepts your credentials'],
    ['doctor --offline', 'without a request to a hub, registry or cluster'],
  ],
  async run({ args, io }) {
    const { doctor: check } = await import('../pipeline/doctor/doctor.ts');
    const { file, output, offline, store, kubeconfig, context, registry, mirrors } = args;
    const { healthy, checks } = await check({
      file,
      output: outputLayout(output),
      offline,
      patience,
      overrides: defined({ registry, mirrors }),
      registry: registryAccess(args),
      versions: { modelcars: programVersion(), node: process.version },
      env: process.env,
      signal: io.signal,
      ...defined({ store, kubeconfig, context }),
    });
    if (args.json) io.printJson('doctor', { ok: healthy, checks });
    else print(checks, io);
    return healthy ? 0 : 1;
  },
});

/** One line per check, with its next step below it. Texts from servers and files are masked and become one line. */
function print(checks: CheckResult[], { print, note, colors, masker }: CommandIO): void {
  const clean = (text: string) => oneLine(masker.mask(text));
  const paint = { ok: colors.green, warn: colors.yellow, fail: colors.red };
  const titles = checks.map(({ check, subject }) =>
    clean(subject === undefined ? check : `${check} ${subject}`),
  );
  const width = Math.max(...titles.map(textWidth));
  for (const [index, { status, message, next }] of checks.entries()) {
    const title = titles[index] ?? '';
    const gap = ' '.repeat(width - textWidth(title));
    print(`${paint[status](status.padEnd(4))}  ${title}${gap}  ${clean(message)}`);
    if (next !== undefined) print(`${' '.repeat(width + 8)}${colors.bold('next:')} ${clean(next)}`);
  }
  const count = (wanted: CheckResult['status']) => checks.filter(({ status }) => status === wanted).length;
  note(`\n${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail`);
}
