import { ModelcarsError } from '../errors.ts';
import type { Digest } from '../image/types.ts';

/** A fully qualified image reference: `registry/repository[:tag][@digest]`. */
export interface Reference {
  /** Host name and optional port, lower case: `quay.io`, `localhost:5000`, `[::1]:5000`; Docker Hub is `docker.io`. */
  registry: string;
  /** Path components below the registry: `me/iris`; `library/…` for Docker Hub's official images. */
  repository: string;
  tag?: string;
  digest?: Digest;
}

// The grammar of distribution (reference/regexp.go), which Docker, Podman and KServe clusters share.
const hostComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const registryPattern = new RegExp(
  `^(?:${hostComponent}(?:\\.${hostComponent})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?$`,
);
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Whether a text is a valid tag (distribution-spec: a word character, then at most 127 of `[\w.-]`). */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether a text is a digest of the only supported algorithm: `sha256:` and 64 lower-case hexadecimal digits. */
export function isDigest(text: string): text is Digest {
  return digestPattern.test(text);
}

/**
 * Parses `registry/repository[:tag][@digest]` as Docker and Podman do: a first component without `.`, `:` or an
 * upper-case letter that is not `localhost` belongs to a Docker Hub name, and a Hub name of one component gets
 * `library/`. A missing tag does not become `latest`: that is the caller's choice. Fails with a `usage` error that
 * shows the nearest valid form if one is found.
 */
export function parseReference(text: string): Reference {
  const { reference, problem, suggestion } = examineReference(text);
  if (reference !== undefined) return reference;
  throw new ModelcarsError(
    'usage',
    `read image reference ${JSON.stringify(text.slice(0, 300))}: ${problem}`,
    {
      next: suggestion
        ? `write \`${suggestion}\``
        : 'write REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST], as in `quay.io/me/iris:v1.0.0`',
    },
  );
}

/** As `parseReference`, without failing: the reference, or why the text is none and the nearest valid form, if found. */
export function examineReference(
  text: string,
):
  | { reference: Reference; problem?: undefined; suggestion?: undefined }
  | { reference?: undefined; problem: string; suggestion?: string | undefined } {
  const reference = read(text);
  if (typeof reference !== 'string') return { reference };
  return { problem: reference, suggestion: nearest(text) };
}

/** The canonical text of a reference; `parseReference` reads it back to the same value. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** A reference, or the reason why the text is invalid. */
function read(text: string): Reference | string {
  let rest = text;
  const reference: Partial<Reference> = {};
  const at = rest.indexOf('@');
  if (at >= 0) {
    const digest = rest.slice(at + 1);
    if (!isDigest(digest)) return 'the part after `@` is not `sha256:` and 64 lower-case hexadecimal digits';
    reference.digest = digest;
    rest = rest.slice(0, at);
  }
  const colon = rest.lastIndexOf(':');
  if (colon > rest.lastIndexOf('/')) {
    const tag = rest.slice(colon + 1);
    if (!isTag(tag))
      return 'a tag is 1 to 128 letters, digits, `_`, `.` and `-`, and starts with none of the last two';
    reference.tag = tag;
    rest = rest.slice(0, colon);
  }
  if (/^[0-9a-f]{64}$/.test(rest)) return 'a name of 64 hexadecimal digits would be taken for a digest';
  const [registry, repository] = splitRegistry(rest);
  const host = normalizeRegistry(registry);
  // Docker takes `Me/iris` for repository `iris` of host `Me`; in lower case it would be another image.
  if (host !== undefined && registry !== registry.toLowerCase() && splitRegistry(`${host}/x`)[0] !== host) {
    return `${JSON.stringify(registry)} has upper-case letters`;
  }
  if (host === undefined) return `${JSON.stringify(registry)} is not a host name with an optional port`;
  if (repository === '') return 'the repository is missing';
  if (repository.length > 255) return 'the repository is longer than 255 characters';
  const bad = repository.split('/').find((component) => !componentPattern.test(component));
  if (bad !== undefined) {
    return `${JSON.stringify(bad)} is not a path component (lower-case letters and digits, joined by \`.\`, \`_\`, \`__\` or \`-\`)`;
  }
  const full = host === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository;
  return { registry: host, repository: full, ...reference };
}

/** Docker's rule for where the host ends (reference.splitDockerDomain). */
function splitRegistry(name: string): [registry: string, repository: string] {
  const slash = name.indexOf('/');
  const first = name.slice(0, slash);
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  return isHost ? [first, name.slice(slash + 1)] : ['docker.io', name];
}

/** Lower case, with one name for Docker Hub; undefined when the host name is not valid in a URL. */
function normalizeRegistry(registry: string): string | undefined {
  const lower = registry.toLowerCase();
  if (!registryPattern.test(registry) || !URL.canParse(`https://${lower}`)) return undefined;
  if (/:0+$/.test(lower.replace(/^\[.*\]/, ''))) return undefined;
  return lower === 'index.docker.io' || lower === 'registry-1.docker.io' ? 'docker.io' : lower;
}

/** The most likely intended reference; undefined if none is found. */
function nearest(text: string): string | undefined {
  const plain = text
    .trim()
    .replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//, '')
    .replace(/\/{2,}/g, '/')
    .replace(/\/+(?=$|[:@])/g, '');
  const [registry, repository] = splitRegistry(plain.replace(/[:@](?!.*\/).*$/, ''));
  const suffix = plain.slice(plain.lastIndexOf(repository) + repository.length).replace(/@.*$/, '');
  const path = repository.toLowerCase().replace(/[^a-z0-9._/-]+/g, '-');
  const candidate = `${registry}/${path}`;
  const lower = candidate.toLowerCase();
  for (const form of [plain, candidate + suffix, lower + suffix, candidate, lower]) {
    const reference = read(form);
    if (form !== text && typeof reference !== 'string') return formatReference(reference);
  }
  return undefined;
}
