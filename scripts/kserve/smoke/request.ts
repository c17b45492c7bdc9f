import type { SmokeTest } from '../../model/types.ts';

/** A POST request to a model server, as JSON. */
export interface SmokeRequest {
  /** Path from the server's root. */
  path: string;
  body: unknown;
}

/**
 * The smoke test's requests for a model, in order; the first response other than 404 is checked. Replaces `{name}` with
 * the model's name: percent-encoded in a path, and in a body where a string is exactly `{name}`.
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
