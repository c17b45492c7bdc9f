import { ModelcarsError } from '../../../errors.ts';
import { kserveRuntimes } from './kserve.ts';
import { openshiftRuntimes } from './openshift.ts';
import { ownRuntimes } from './own.ts';
import type { ServingRuntime } from './types.ts';

export type { ServingRuntime } from './types.ts';

const runtimes = { ...kserveRuntimes, ...ownRuntimes, ...openshiftRuntimes };

/** The runtimes that `servingRuntime` knows. */
export const knownRuntimes = Object.keys(runtimes);

/**
 * A ServingRuntime for a namespace whose cluster lacks it; applying it needs no permission outside that namespace.
 * `image` replaces the image of the model server. Fails with code `usage` for an unknown runtime.
 */
export function servingRuntime(
  name: string,
  { namespace, image }: { namespace?: string; image?: string } = {},
): ServingRuntime {
  const known = Object.hasOwn(runtimes, name) ? runtimes[name] : undefined;
  if (known === undefined) {
    throw new ModelcarsError('usage', `write ServingRuntime ${name}: unknown runtime`, {
      next: `apply your own and omit --with-runtime; known runtimes: ${knownRuntimes.join(', ')}`,
    });
  }
  const { spec, labels, annotations } = structuredClone(known);
  const [server, ...others] = spec.containers;
  const containers =
    server === undefined ? [] : [{ ...server, ...(image !== undefined && { image }) }, ...others];
  return {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ServingRuntime',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    spec: { ...spec, containers },
  };
}
