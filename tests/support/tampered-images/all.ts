/**
 * Tampered images, each rejected by the rule that it names. A file here holds those for the file of the same name in
 * scripts/verify/rules/.
 */
import { annotations } from './annotations.ts';
import { completeness } from './completeness.ts';
import { contents } from './contents.ts';
import { documents } from './documents.ts';
import { members } from './members.ts';
import type { Tampering } from './tampering.ts';

/** The tampered images by the file in scripts/verify/rules/ that holds their rule. */
export const tamperings: Record<string, Tampering[]> = {
  documents,
  members,
  contents,
  annotations,
  completeness,
};
