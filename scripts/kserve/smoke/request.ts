import type { SmokeTest } from '../../model/types.ts';

/** What to POST to a model server, as JSON. */
export interface SmokeRequest {
  /** From the server's root. */
  path: string;
  body: unknown;
}

/**
 * The requests of a smoke test for a model, in order: the first that is not answered with 404 is the one to judge. In a path
 * `{name}` becomes the model's name, percent-encoded; in a body, each text that is `{name}` as a whole.
 */
export function smokeRequests(smoke: SmokeTest, name: string): SmokeRequest[] {
  const body = named(smoke.body, name);
  return [smoke.path]
    .flat()
    .map((path) => ({ path: path.replaceAll('{name}', encodeURIComponent(name)), body }));
}

function named(value: unknown, name: string): unknown {
  if (value === '{name}') return name;
  if (Array.isArray(value)) return value.map((one) => named(one, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, named(one, name)]));
}
