import { lockProblems } from '../catalog/lock-check.ts';
import { lockCommand } from '../catalog/lock-path.ts';
import type { LeftOut } from '../catalog/resolve.ts';
import { ModelcarsError } from '../errors.ts';
import type { Framework, Lock, Model } from '../model/types.ts';
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

/** The log line for files that are left out although the catalog does not exclude them. */
export function leftOutLine(model: Model, { paths, why }: LeftOut): string {
  const names = list(
    paths.map((path) => plain(path)),
    'and',
    6,
  );
  return `${model.name}: left out ${names}: ${why}; \`include\` takes what you name`;
}
