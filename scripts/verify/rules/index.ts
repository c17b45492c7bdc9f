import type { Documents } from '../documents.ts';
import type { Facts, Rule } from '../facts.ts';
import { count } from '../violation.ts';
import { annotations, base, layerAnnotations } from './annotations.ts';
import { whole } from './completeness.ts';
import { baseAlone, baseApart, baseTools, blobs, diffIds, files, served, shared } from './contents.ts';
import {
  created,
  entrypoint,
  history,
  layerCount,
  mediaTypesOfLayers,
  platforms,
  user,
  volumes,
} from './documents.ts';
import { format, modes, names, order, owner, parents, shadows, times, types, whiteouts } from './members.ts';

/**
 * The image contract, rule by rule, in the order in which they are checked; docs/reference/image-contract.md documents
 * them. Each rule may rely on the earlier ones.
 */

/** Rules on index, manifests and configs, checked before any layer is read. */
export const documentRules: Rule<Documents>[] = [
  { name: 'documents', check: documents },
  { name: 'platforms', check: platforms },
  { name: 'media types', check: mediaTypesOfLayers },
  { name: 'layer count', check: layerCount },
  { name: 'history', check: history },
  { name: 'user', check: user },
  { name: 'entrypoint', check: entrypoint },
  { name: 'volumes', check: volumes },
  { name: 'created', check: created },
  { name: 'annotations', check: annotations },
  { name: 'base', checkPlatform: base },
];

/** Rules on the layers, each of which is read once. */
export const layerRules: Rule<Facts>[] = [
  { name: 'blobs', check: blobs },
  { name: 'diff_ids', check: diffIds },
  { name: 'base apart', check: baseApart },
  { name: 'shared layers', check: shared },
  { name: 'tar format', check: format },
  { name: 'names', check: names },
  { name: 'whiteouts', check: whiteouts },
  { name: 'types', check: types },
  { name: 'owner', check: owner },
  { name: 'modes', check: modes },
  { name: 'times', check: times },
  { name: 'order', check: order },
  { name: 'shadows', check: shadows },
  { name: 'parents', check: parents },
  { name: 'files', check: files },
  { name: 'served', check: served },
  { name: 'whole', check: whole },
  { name: 'layer annotations', check: layerAnnotations },
  { name: 'tools', checkPlatform: baseTools },
];

/** Rules on the layers of the base alone. */
export const baseRules: Rule<Facts>[] = [
  { name: 'blobs', check: blobs },
  { name: 'diff_ids', check: diffIds },
  { name: 'base apart', check: baseAlone },
  { name: 'tools', checkPlatform: baseTools },
];

/** Index, manifests and configs match their descriptors: readDocuments has checked each one. */
function documents({ digest, images }: Documents): string {
  const number = count(images.length, 'manifest');
  return `${digest}: the index, ${number} and as many configs have the digests and sizes that name them`;
}
