import { lockProblems } from '../catalog/lock-check.ts';
import { lockCommand } from '../catalog/lock-path.ts';
import { type LeftOut, resolveModel } from '../catalog/resolve.ts';
import { ModelcarsError } from '../errors.ts';
import type { Framework, Lock, LockedBase, LockedModel, Model } from '../model/types.ts';
import { list, plain } from '../text/format.ts';
import { displayPath } from '../text/paths.ts';
import type { Session } from './session.ts';
import type { RunOptions } from './types.ts';

/** Fails with code `lock`, with every reason, when a frozen run has a lock that does not hold for its models. */
export function checkFrozen(
  options: Pick<RunOptions, 'frozen' | 'models' | 'catalog'>,
  lock: Lock | undefined,
  frameworks: ReadonlyMap<string, Framework>,
): void {
  if (!options.frozen) return;
  const { models } = options.catalog;
  const whole = options.models.length === models.length; // who asks for one model is not kept by another's entry
  const where = displayPath(options.catalog.lockFile);
  const reasons = lockProblems(options.models, lock, frameworks, whole ? models : undefined, where);
  if (reasons.length === 0) return;
  throw new ModelcarsError('lock', [`${where} is out of date (--frozen):`, ...reasons].join('\n  '), {
    next: `run \`${lockCommand(options.catalog)}\` where it may be written, and commit ${where}`,
  });
}

/** A model's files by the lock; where the lock has nothing that holds, by the sources as they are now, with a warning. */
export async function lockedModel(session: Session, model: Model): Promise<LockedModel> {
  const { options, lock, frameworks } = session;
  const file = displayPath(options.catalog.lockFile);
  const reason = lockProblems([model], lock, frameworks, undefined, file).find(
    (one) => !one.startsWith('base '),
  );
  const locked = lock?.models[model.name];
  if (reason === undefined && locked !== undefined) return locked;
  options.progress.warn(
    `${model.name}: ${reason}; building from the current source (\`${lockCommand(options.catalog)}\` pins it)`,
  );
  const { leftOut, ...resolved } = await resolveModel(
    model,
    session.framework(model),
    session.sources,
    options.signal,
  );
  if (leftOut) options.progress.log(leftOutLine(model, leftOut));
  return resolved;
}

/** The pins of a model's base by the lock; those it lacks are resolved now, with a warning. */
export async function lockedBase(session: Session, model: Model): Promise<LockedBase> {
  const pins = { ...session.lock?.bases[model.base] };
  const missing = model.platforms.filter((platform) => pins[platform] === undefined);
  if (missing.length === 0) return pins;
  session.options.progress.warn(
    `base ${model.base}: no lock for ${missing.join(', ')}; using the current image (\`${lockCommand(session.options.catalog)}\` pins it)`,
  );
  return { ...pins, ...(await session.resolveBase(model.base, missing)) };
}

/** What the log says of files that nobody asked to leave out. */
export function leftOutLine(model: Model, { paths, why }: LeftOut): string {
  const names = list(
    paths.map((path) => plain(path)),
    'and',
    6,
  );
  return `${model.name}: left out ${names}: ${why}; \`include\` takes what you name`;
}
