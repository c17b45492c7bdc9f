import { didYouMean } from '../text/suggest.ts';
import { isQualifiedName } from './labels.ts';
import type { Problem } from './problem.ts';
import { quantity } from './quantity.ts';

/** A Kubernetes quantity (apimachinery pkg/api/resource): `500m`, `2`, `1.5`, `4Gi`. */
export const quantityPattern = /^\d{1,15}(\.\d{1,9})?(m|k|Ki|[MGTPE]i?)?$/;

/** Resources of a container without a domain (kubernetes pkg/apis/core/helper: IsStandardContainerResourceName). */
const standard = ['cpu', 'memory', 'ephemeral-storage'];
const isStandard = (name: string) => standard.includes(name) || name.startsWith('hugepages-');

/** Amounts by the name of a resource. */
export type Amounts = Readonly<Record<string, string>>;

/** A broken rule of `resources:`, at the amount that has to change. */
export interface WrongAmount {
  of: 'requests' | 'limits';
  resource: string;
  text: string;
}

/** A name of `requests` or `limits` (kubernetes pkg/apis/core/validation: validateContainerResourceName). */
export function resourceName(value: string): Problem | undefined {
  const expected = 'a resource such as `cpu`, `memory` or `nvidia.com/gpu`';
  if (!value.includes('/')) {
    if (isStandard(value)) return undefined;
    const hint = /^gpus?$/i.test(value) ? '; did you mean `nvidia.com/gpu`?' : didYouMean(value, standard);
    return { expected, hint };
  }
  return isQualifiedName(value) && !value.startsWith('requests.') ? undefined : { expected };
}

/**
 * What Kubernetes refuses in the resources of a container (kubernetes pkg/apis/core/validation:
 * ValidateContainerResourceRequirements), once its names and quantities are valid. Devices cannot be shared: they need
 * a limit, and requests equal to it.
 */
export function checkResources(requests: Amounts = {}, limits: Amounts = {}): WrongAmount[] {
  const wrong: WrongAmount[] = [];
  for (const [of, amounts] of [
    ['requests', requests],
    ['limits', limits],
  ] as const) {
    for (const [resource, amount] of Object.entries(amounts)) {
      const text = wrongUnit(resource, amount);
      if (text !== undefined) wrong.push({ of, resource, text });
    }
  }
  for (const [resource, request] of Object.entries(requests)) {
    const limit = limits[resource];
    const whole = isDevice(resource);
    if (limit === undefined) {
      const text = `\`${resource}\` cannot be shared: put \`${request}\` in \`limits\``;
      if (whole) wrong.push({ of: 'requests', resource, text });
    } else if (isMore(request, limit) || (whole && isMore(limit, request))) {
      const rule = whole ? 'equal to' : 'of at most';
      wrong.push({
        of: 'requests',
        resource,
        text: `expected a request ${rule} the limit \`${limit}\`, got \`${request}\``,
      });
    }
  }
  return wrong;
}

/** Compares quantities; decimal fractions are not exact in binary: `700m` is `0.7`. */
const isMore = (one: string, other: string) => quantity(one) > quantity(other) * (1 + 1e-9);

const isDevice = (resource: string) => resource.includes('/') || resource.startsWith('hugepages-');

function wrongUnit(resource: string, amount: string): string | undefined {
  if (resource.includes('/') && !Number.isInteger(quantity(amount)))
    return `expected a whole number of \`${resource}\`, got \`${amount}\``;
  // Kubernetes accepts thousandths of a byte, and no container starts with them.
  if (/memory|storage/.test(resource) && amount.endsWith('m'))
    return `expected bytes such as \`2Gi\`, got \`${amount}\`; did you mean \`${amount}i\`?`.replace(
      /mi`/,
      'Mi`',
    );
  return undefined;
}
