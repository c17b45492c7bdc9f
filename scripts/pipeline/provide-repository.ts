import { parseReference } from '../registry/reference.ts';
import type { TagPlan } from './plan-tags.ts';
import type { Outcome, RunOptions } from './types.ts';

/** Creates the repository where the registry requires that, unless it has a tag and therefore exists. */
export async function provideRepository(
  { dryRun, signal, progress }: Pick<RunOptions, 'dryRun' | 'signal' | 'progress'>,
  name: string,
  { existing }: TagPlan,
  { createRepository: wanted }: { createRepository?: boolean },
): Promise<Pick<Outcome, 'createdRepository'>> {
  if (wanted !== true || existing.length > 0) return {};
  const { createRepository } = await import('../registry/ecr/create.ts');
  const created = await createRepository(parseReference(name), { dryRun, signal });
  if (created) progress.log(`${dryRun ? 'would create' : 'created'} repository ${name}`);
  return created ? { createdRepository: true } : {};
}
