import type { Stage } from '../types.ts';
import type { KnownCause } from './cause.ts';
import { knownCauses } from './known-causes.ts';

/**
 * The likely cause of a failure at a stage, from texts with the most relevant first. For events the order of the texts
 * decides. A log has an error and then its consequences, so for logs the order of the causes decides, specific before
 * general.
 */
export function findCause(stage: Stage, texts: readonly string[]): KnownCause | undefined {
  const own = knownCauses.filter(({ stages }) => stages.includes(stage));
  if (stage !== 'apply' && stage !== 'pull')
    return own.find(({ sign }) => texts.some((text) => sign.test(text)));
  for (const text of texts) {
    const clue = own.find(({ sign }) => sign.test(text));
    if (clue !== undefined) return clue;
  }
  return undefined;
}
