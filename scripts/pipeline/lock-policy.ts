import type { UnknownFiles } from '../catalog/choose-files.ts';
import { lockProblems } from '../catalog/lock-check.ts';
import { lockCommand } from '../catalog/lock-path.ts';
import { renameLine } from '../catalog/rename.ts';
import type { LeftOut, ResolvedModel } from '../catalog/resolve.ts';
import { ModelcarsError } from '../errors.ts';
import type { Framework, Lock, Model } from '../model/types.ts';
import type { Progress } from '../terminal/types.ts';
import { formatBytes } from '../text/bytes.ts';
import { list, plain } from '../text/format.ts';
import { displayPath } from '../text/paths.ts';
import type { RunOptions } from './types.ts';

/** Fails with code `lock` and every reason when a frozen run's lock is out of date for its models. */
export function checkFrozen(
  options: Pick<RunOptions, 'frozen' | 'models' | 'catalog'>,
  lock: Lock | undefined,
  frameworks: ReadonlyMap<string, Framework>,
): void {
  if (!options.frozen) return;
  const { models } = options.catalog;
  // A run of one model does not fail because of another model's entry.
  const whole = options.models.length === models.length;
  const where = displayPath(options.catalog.lockFile);
  const reasons = lockProblems(options.models, lock, frameworks, whole ? models : undefined, where);
  if (reasons.length === 0) return;
  throw new ModelcarsError('lock', [`${where} is out of date (--frozen):`, ...reasons].join('\n  '), {
    next: `run \`${lockCommand(options.catalog)}\` where it may be written, and commit ${where}`,
  });
}

/** Logs what was left out of a model, and what its files warn of. */
export function logFindings(
  progress: Pick<Progress, 'log' | 'warn'>,
  model: Model,
  { leftOut, unknown, warnings = [], rename }: Findings,
): void {
  if (leftOut) progress.log(leftOutLine(model, leftOut));
  if (rename) progress.log(renameLine(model.name, rename));
  if (unknown) progress.log(unknownLine(model, unknown));
  for (const warning of warnings) progress.warn(`${model.name}: ${warning}`);
}

type Findings = { [Name in 'leftOut' | 'unknown' | 'warnings' | 'rename']?: ResolvedModel[Name] | undefined };

/** The log line for files that repeat others. */
function leftOutLine(model: Model, { paths, why }: LeftOut): string {
  return `${model.name}: left out ${shown(paths)}: ${why}; \`include\` takes what you name`;
}

/** The log line for files that may be missed. */
function unknownLine(model: Model, { paths, bytes }: UnknownFiles): string {
  const count = `${paths.length} ${paths.length === 1 ? 'file' : 'files'}`;
  const size = bytes === undefined ? '' : ` (${formatBytes(bytes)})`;
  return `${model.name}: left out ${count}${size}: ${shown(paths)}; add them with \`include\` if the model needs them`;
}

function shown(paths: readonly string[]): string {
  return list(
    paths.map((path) => plain(path)),
    'and',
    6,
  );
}
