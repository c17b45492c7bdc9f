import type { Software } from '../packages/types.ts';
import { imagePurl } from '../purl.ts';
import { hexOf } from '../subjects.ts';
import type { AttestedPlatform } from '../types.ts';
import type { Component, Composition, Property } from './types.ts';

/** A platform's base image, its packages, and how complete they are. */
export interface BaseComponents {
  base: Component & { 'bom-ref': string };
  /** The distribution and its packages; other platforms may have the same. */
  contents: (Component & { 'bom-ref': string })[];
  aggregate: Composition['aggregate'];
}

/** The components of one platform's base image. */
export function baseComponents(
  { platform, base: { reference, digest } }: AttestedPlatform,
  software: Software,
): BaseComponents {
  const [, architecture] = platform.split('/');
  const isEmbedded = reference === 'embedded';
  return {
    base: {
      type: 'container',
      'bom-ref': `base:${platform}`,
      name: isEmbedded ? 'modelcars embedded base' : reference,
      version: digest,
      hashes: [{ alg: 'SHA-256', content: hexOf(digest) }],
      ...(!isEmbedded && { purl: imagePurl(reference, digest, architecture) }),
      properties: [{ name: 'modelcars:platform', value: platform }, ...coverage(software)],
    },
    contents: [...distribution(software), ...packages(software)],
    // All of the embedded base is one Go program, and text.
    aggregate: isEmbedded && software.packages.length > 0 ? 'complete' : aggregateOf(software),
  };
}

/** Which records say what the base contains; a reader must not take an unread one for an empty one. */
function coverage({ read, unread }: Software): Property[] {
  const nothing = read.length + unread.length === 0 ? ['the image has no package records'] : [];
  return [
    ...read.map((value) => ({ name: 'modelcars:packages:read', value })),
    ...[...unread, ...nothing].map((value) => ({ name: 'modelcars:packages:unread', value })),
  ];
}

/** Files that belong to no package may exist in any base. */
function aggregateOf({ read, unread }: Software): Composition['aggregate'] {
  return unread.length > 0 || read.length === 0 ? 'incomplete' : 'unknown';
}

function distribution({ distribution: found }: Software): (Component & { 'bom-ref': string })[] {
  if (found === undefined) return [];
  const { id, version, name } = found;
  return [
    {
      type: 'operating-system',
      'bom-ref': `os:${id}${version === undefined ? '' : `-${version}`}`,
      name: id,
      ...(version !== undefined && { version }),
      ...(name !== undefined && { description: name }),
    },
  ];
}

function packages({ packages: found }: Software): (Component & { 'bom-ref': string })[] {
  return found.map(({ name, version, purl, licence }) => ({
    type: 'library',
    'bom-ref': purl,
    name,
    ...(version !== undefined && { version }),
    ...(licence !== undefined && { licenses: [{ license: { name: licence } }] }),
    purl,
  }));
}
