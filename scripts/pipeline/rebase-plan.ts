import type { Base } from '../bases/base-image.ts';
import { lockProblems } from '../catalog/lock-check.ts';
import { ModelcarsError } from '../errors.ts';
import { displayPath } from '../text/paths.ts';
import { predictFrom } from './assemble.ts';
import type { OwnImage } from './own-image.ts';
import { describe, type ImagePlan, planModel } from './plan-image.ts';
import type { RebasedImage } from './rebased-image.ts';
import type { Rebase } from './rebases.ts';
import type { Session } from './session.ts';

/**
 * The plan by which `push` would make the same image, for statements about its sources. Reads no file of the model.
 * Fails with code `lock` when models.yaml and its lock do not describe the image.
 */
export function planOf(
  session: Session,
  { name, isListed, model }: Rebase,
  own: OwnImage,
  { bases, index }: RebasedImage,
): Pick<ImagePlan, 'model' | 'files' | 'layers' | 'bases'> {
  const file = displayPath(session.options.catalog.lockFile);
  const locked = isListed ? session.lock?.models[name] : undefined;
  if (locked === undefined) throw unlike(name, `${file} has no model ${name}`);
  const problems = lockProblems([model], session.lock, session.frameworks, undefined, file);
  const [problem] = problems.filter((one) => !one.startsWith('base '));
  if (problem !== undefined) throw unlike(name, problem);
  const { layers, files } = planModel(session, model, locked);
  const description = describe(session, model, locked);
  const plan = { model, layers, files, bases: bases as Base[], description };
  const isSame =
    layers.map(({ key }) => key).join() === own.layers.map(({ key }) => key).join() &&
    predictFrom(
      plan,
      own.layers.map(({ descriptor, diffId }) => ({ ...descriptor, diffId })),
    ).index.digest === index.digest;
  if (!isSame) throw unlike(name, `models.yaml and ${file} describe another image`);
  return plan;
}

function unlike(name: string, problem: string): ModelcarsError {
  return new ModelcarsError(
    'lock',
    `attest ${name}: ${problem}, and provenance names the sources of an image`,
    {
      next: 'leave out --attest, or check out the commit that the earlier version was pushed from',
    },
  );
}
