import { ModelcarsError } from '../errors.ts';
import { formatReference, parseReference, type Reference } from './reference.ts';

/**
 * Replaces the longest prefix of `registry/repository` that is a key of `mirrors`, on path-component boundaries, and
 * keeps tag and digest: with `{"registry.access.redhat.com": "mirror:5000/redhat"}`,
 * `registry.access.redhat.com/ubi10/ubi-micro` becomes `mirror:5000/redhat/ubi10/ubi-micro`. Fails with a `usage` error
 * when the replacement does not start with a registry host.
 */
export function applyMirrors(reference: Reference, mirrors: Record<string, string>): Reference {
  const name = `${reference.registry}/${reference.repository}`;
  const prefix = Object.keys(mirrors)
    .filter((key) => key !== '' && `${name}/`.startsWith(`${trim(key)}/`))
    .sort((a, b) => trim(b).length - trim(a).length)[0];
  if (prefix === undefined) return reference;
  const target = trim(mirrors[prefix] ?? '');
  const mirrored = parseMirrored(`${target}${name.slice(trim(prefix).length)}`, prefix, target);
  return {
    ...mirrored,
    ...(reference.tag === undefined ? {} : { tag: reference.tag }),
    ...(reference.digest === undefined ? {} : { digest: reference.digest }),
  };
}

function trim(prefix: string): string {
  return prefix.replace(/\/+$/, '');
}

function parseMirrored(text: string, prefix: string, target: string): Reference {
  const next = 'write a mirror as HOST[:PORT][/PATH], as in `mirror.example.com:5000/redhat`';
  try {
    const reference = parseReference(text);
    // `mirror/redhat` would silently become a Docker Hub name; `docker.io/x` may become `docker.io/library/x`.
    if (formatReference(reference).startsWith(`${target.split('/')[0]?.toLowerCase()}/`)) return reference;
  } catch (cause) {
    throw new ModelcarsError(
      'usage',
      `replace ${prefix} by its mirror: ${JSON.stringify(target)} gives no image reference`,
      {
        next,
        cause,
      },
    );
  }
  throw new ModelcarsError(
    'usage',
    `replace ${prefix} by its mirror: ${JSON.stringify(target)} starts with no registry`,
    {
      next,
    },
  );
}
