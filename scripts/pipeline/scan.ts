import { forEachModel } from './for-each-model.ts';
import { openScans } from './open-scans.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions } from './types.ts';

/**
 * Scans the base images of the models, and the images of loaders, for vulnerabilities; builds and pushes nothing. A
 * model whose image has one that blocks fails.
 */
export async function scanModels(
  options: RunOptions & Required<Pick<RunOptions, 'scan'>>,
): Promise<Outcome[]> {
  await using session = await Session.open(options);
  await using scans = await openScans(session);
  const outcomes = await forEachModel(options, async (model, task): Promise<Outcome> => {
    await scans?.check(model, task);
    const { name, platforms, base } = model;
    return { model: name, status: 'done', name: base, platforms };
  });
  return scans?.attach(outcomes) ?? outcomes;
}
