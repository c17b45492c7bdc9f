import { azureKind } from './azure/index.ts';
import { fileKind } from './file/index.ts';
import { gsKind } from './gs/index.ts';
import { httpsKind } from './https/index.ts';
import { huggingFaceKind } from './huggingface/index.ts';
import { ociKind } from './oci/index.ts';
import { s3Kind } from './s3/index.ts';
import type { SourceKind } from './types.ts';

/** All source kinds, in the order of messages and documentation. */
export const sourceKinds: readonly SourceKind[] = [
  fileKind,
  huggingFaceKind,
  httpsKind,
  s3Kind,
  gsKind,
  azureKind,
  ociKind,
];
