import { checkResources } from '../../admission/resources.ts';
import type { Framework, Model } from '../../model/types.ts';
import { servedBy } from './served-by.ts';
import { knownRuntimes, servingRuntime } from './serving-runtimes/index.ts';

/**
 * Why Kubernetes would refuse the resources of a model, which KServe merges with those of its runtime amount by amount
 * (pkg/controller/v1beta1/inferenceservice/utils/utils.go: MergeRuntimeContainers): one sentence for each. None for a
 * runtime of the user's own; a cluster can have another one under the name of KServe's.
 */
export function exceededLimits(model: Model, framework: Framework): string[] {
  const own = model.serving?.resources;
  const { runtime } = servedBy(model, framework);
  if (own === undefined || !knownRuntimes.includes(runtime)) return [];
  const [container] = servingRuntime(runtime).spec.containers;
  const given = container?.resources;
  const requests = { ...given?.requests, ...own.requests };
  const limits = { ...given?.limits, ...own.limits };
  return checkResources(requests, limits).flatMap(({ of, resource }) => {
    const [request, limit] = [requests[resource], limits[resource]];
    if (of !== 'requests' || request === undefined || limit === undefined) return [];
    return own.limits?.[resource] === undefined
      ? `its request of \`${resource}: ${request}\` exceeds the limit \`${limit}\` of ${runtime}: set \`limits\` of \`serving.resources\` too`
      : `its limit of \`${resource}: ${limit}\` is below the request \`${request}\` of ${runtime}: set \`requests\` of \`serving.resources\` too`;
  });
}
