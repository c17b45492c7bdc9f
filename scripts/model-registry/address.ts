import { ModelcarsError } from '../errors.ts';
import { show } from '../text/format.ts';

/** Servers since release 0.3.15 have v1, with the same objects; older ones have v1alpha3 only. */
const paths = ['/api/model_registry/v1', '/api/model_registry/v1alpha3'];
const next =
  'pass the URL of the REST service: http://model-registry-service.kubeflow.svc:8080, or the https route of OpenShift AI';

/**
 * The possible roots of the REST API, newest version first, each without a slash at its end, from the URL of the service
 * (below a path of a proxy if need be); the only one when the URL names it. Fails with code `usage`.
 */
export function apiRoots(given: string): URL[] {
  const fail = (problem: string) =>
    new ModelcarsError('usage', `--model-registry ${show(given)}: ${problem}`, { next });
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw fail('must be an http or https URL');
  if (url.username !== '' || url.password !== '')
    throw fail('must not contain a user or password; the token is in MODELCARS_MODEL_REGISTRY_TOKEN');
  if (url.search !== '' || url.hash !== '') throw fail('must not have a query or fragment');
  const base = url.pathname.replace(/\/+$/, '');
  if (paths.some((path) => base.endsWith(path))) return [new URL(base, url.origin)];
  return paths.map((path) => new URL(`${base}${path}`, url.origin));
}
