import { didYouMean } from '../text/suggest.ts';
import type { Problem } from './problem.ts';

/** A label of a DNS name (RFC 1123), in characters. */
const longestLabel = 63;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** KServe's `IsvcNameFmt` (pkg/apis/serving/v1beta1/inference_service_validation.go). */
export const serviceNamePattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** KServe gives the pods of a plain Deployment the label `app: isvc.NAME-predictor` (pkg/constants/constants.go). */
const serviceLabel = (name: string) => `isvc.${name}-predictor`;

/** The longest name of an InferenceService, in characters, in any namespace. */
export const longestServiceName = longestLabel - serviceLabel('').length;

/**
 * The first part of the host that KServe's `domainTemplate` gives the predictor by default
 * (pkg/controller/v1beta1/inferenceservice/reconcilers/ingress/domain.go).
 */
export const hostLabel = (name: string, namespace: string): string => `${name}-predictor-${namespace}`;

/** The longest name of an InferenceService in a namespace, in characters; below 1 when no name fits. */
export function longestServiceNameIn(namespace: string): number {
  return Math.min(longestServiceName, longestLabel - hostLabel('', namespace).length);
}

/** The name of a Kubernetes object whose name can be a DNS name, such as a Secret (RFC 1123 subdomain). */
export function objectName(value: string, expected: string): Problem | undefined {
  if (value.length <= 253 && subdomain.test(value)) return undefined;
  return {
    expected: `${expected}: lower-case letters, digits, \`-\` and \`.\``,
    hint: didYouMean(
      value,
      [value.toLowerCase().replaceAll(/[^-a-z0-9.]+/g, '-')].filter((near) => subdomain.test(near)),
    ),
  };
}

/** The name of a namespace, volume or Service (RFC 1123 label). */
export function labelName(value: string, expected: string): Problem | undefined {
  if (value.length <= longestLabel && label.test(value)) return undefined;
  return { expected: `${expected}: at most ${longestLabel} lower-case letters, digits and \`-\`` };
}

/** The name of an InferenceService in any namespace. */
export function serviceName(value: string): Problem | undefined {
  if (value.length <= longestServiceName && serviceNamePattern.test(value)) return undefined;
  const near = nearServiceName(value);
  const hint = near === '' ? '' : `; did you mean \`${near}\`?`;
  const rule = `starting with a letter, at most ${longestServiceName} lower-case letters, digits and \`-\``;
  return { expected: `the name of an InferenceService, ${rule}`, hint };
}

/** The valid name that is most like a text, at most `longest` characters; empty when none is. */
export function nearServiceName(text: string, longest: number = longestServiceName): string {
  const near = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '');
  const started = /^\d/.test(near) ? `m-${near}` : near;
  return started.slice(0, Math.max(0, longest)).replace(/-+$/, '');
}

/** Characters below which no name that fits says anything. */
const shortestUseful = 8;

/** Why a cluster would refuse a name, and what to do. */
export interface Refusal {
  what: string;
  fix: string;
}

/**
 * Why KServe would refuse the InferenceService of a model by its name, or never get it ready; undefined when it would
 * not. Without a namespace, only what holds in each of them.
 */
export function refusedName(
  { name, serving }: { name: string; serving?: { name?: string } },
  namespace?: string,
): Refusal | undefined {
  const service = serving?.name ?? name;
  const longest = namespace === undefined ? longestServiceName : longestServiceNameIn(namespace);
  const what = whyRefused(service, namespace);
  if (what === undefined) return undefined;
  const near = nearServiceName(service, longest);
  if (near === '' || longest < shortestUseful) return { what, fix: 'choose a namespace with a shorter name' };
  const fix =
    serving?.name === undefined
      ? `add \`serving: {name: ${near}}\` to the model: the name of its InferenceService and in requests, at most ${longest} characters`
      : `shorten \`serving.name\` to at most ${longest} characters, as in \`${near}\``;
  return { what, fix };
}

function whyRefused(name: string, namespace: string | undefined): string | undefined {
  if (!serviceNamePattern.test(name))
    return `KServe refuses an InferenceService of the name \`${name}\`: it has to start with a letter`;
  if (name.length > longestServiceName)
    return `KServe cannot serve a model of the name \`${name}\`: the label of its pods, \`${serviceLabel(name)}\`, has ${serviceLabel(name).length} characters, and Kubernetes allows ${longestLabel}`;
  if (namespace === undefined || name.length <= longestServiceNameIn(namespace)) return undefined;
  const host = hostLabel(name, namespace);
  return `KServe cannot serve \`${name}\` in namespace ${namespace}: its host name starts with \`${host}\`, which has ${host.length} characters, and DNS allows ${longestLabel}`;
}
