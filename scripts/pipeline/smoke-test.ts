import { ModelcarsError } from '../errors.ts';
import type { Framework, Model, SmokeTest } from '../model/types.ts';

/** The request that a model's smoke test sends. Fails with code `catalog` when there is none. */
export function smokeTestFor({ name }: Model, { name: framework, smoke }: Framework): SmokeTest {
  if (smoke !== undefined) return smoke;
  throw new ModelcarsError('catalog', `smoke ${name}: framework ${framework} has no request of its own`, {
    next: 'give the model a request with `smoke:` in models.yaml',
  });
}
