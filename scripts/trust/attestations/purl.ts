import { PackageURL } from 'packageurl-js';
import { parseReference } from '../../registry/reference.ts';

/** The parts of a package URL; empty qualifiers are left out. */
export interface Purl {
  type: string;
  namespace?: string | undefined;
  name: string;
  version?: string | undefined;
  qualifiers?: Record<string, string | undefined>;
}

/** A package URL (ECMA-427, and the definition of its type in the purl specification). */
export function purlOf({ type, namespace, name, version, qualifiers = {} }: Purl): string {
  const given = Object.entries(qualifiers).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '',
  );
  return new PackageURL(
    type,
    namespace,
    name,
    version,
    given.length === 0 ? undefined : Object.fromEntries(given),
    undefined,
  ).toString();
}

/**
 * `pkg:oci` of an image by the digest of its index or manifest. Of a name that is no reference in a registry, such as
 * `iris` in a layout, the URL has no `repository_url`.
 */
export function imagePurl(name: string, digest: string, architecture?: string): string {
  const short = name.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const { registry, repository, tag } = short.includes('/') ? parseReference(name) : { repository: short };
  return purlOf({
    type: 'oci',
    name: repository.split('/').at(-1) ?? repository,
    version: digest,
    qualifiers: {
      arch: architecture,
      repository_url: registry === undefined ? undefined : `${registry}/${repository}`,
      tag,
    },
  });
}
