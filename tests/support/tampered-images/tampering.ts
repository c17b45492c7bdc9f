import type { VerifyOptions } from '../../../scripts/verify/verify.ts';
import { type Draft, files, hex, type MemoryStore } from '../draft-image.ts';
import type { Spec } from '../odd-tars.ts';

/** A change to the valid image that one rule must reject. */
export interface Tampering {
  /** The rule that must reject it; all rules before it pass. */
  rule: string;
  /** The change, for the test title. */
  change: string;
  /** The error's message. */
  message: RegExp;
  /** The error's next step; any by default. */
  next?: RegExp;
  /** The tag or digest to verify; `iris:v1` by default. */
  name?: string;
  /** Changes the draft before the image is made. */
  draft?(draft: Draft): void;
  /** Changes the stored blobs and tags of the finished image. */
  store?(store: MemoryStore): void;
  options?: Partial<VerifyOptions>;
}

/** The first member of a model layer whose name ends with `end`; the model file by default. */
export function findMember(draft: Draft, end = 'model.joblib'): Spec {
  const found = draft.model.flatMap((layer) => layer.members).find(({ name }) => name.endsWith(end));
  if (found === undefined) throw new Error(`no member ends with ${end}`);
  return found;
}

/** Removes the programs whose names end with `end` from the base. */
export function removeFromBase(draft: Draft, end: string): void {
  for (const layer of draft.base) layer.members = layer.members.filter(({ name }) => !name.endsWith(end));
}

/** Changes the model file's member. */
export function changeFile(change: Partial<Spec>): Pick<Tampering, 'draft'> {
  return { draft: (draft) => void Object.assign(findMember(draft), change) };
}

/** Writes text into the model file's tar header; the checksum covers it. */
export function changeHeader(at: number, text: string): Pick<Tampering, 'draft'> {
  return changeFile({ edit: (block) => void block.write(text, at, 'latin1') });
}

/** Appends members to the first model layer. */
export function addMembers(...specs: Spec[]): Pick<Tampering, 'draft'> {
  return { draft: (draft) => void draft.model[0]?.members.push(...specs) };
}

/** Appends members to the base's first layer. */
export function addToBase(...specs: Spec[]): Pick<Tampering, 'draft'> {
  return { draft: (draft) => void draft.base[0]?.members.push(...specs) };
}

/** Replaces the bytes of the blob or document that `pick` chooses, under the same digest. */
export function rewriteBlob(
  pick: (text: string) => boolean,
  change: (bytes: Buffer) => Buffer,
): Pick<Tampering, 'store'> {
  return {
    store: (store) => {
      const found = [...store.blobs].find(([, bytes]) => pick(bytes.toString('latin1')));
      if (found === undefined) throw new Error('no blob to rewrite');
      store.blobs.set(found[0], change(found[1]));
    },
  };
}

/** Replaces the model file by another file, and updates the locked files to match. */
export function replaceFile(path: string, content: string | Buffer): Pick<Tampering, 'draft' | 'options'> {
  const bytes = Buffer.from(content as Buffer);
  const [, ...others] = files;
  return {
    ...changeFile({ name: `models/${path}`, content: bytes }),
    options: { files: [...others, { path, size: bytes.length, sha256: hex(bytes) }], served: [] },
  };
}

/** The name of an annotation of the OCI specification. */
export const label = (key: string) => `org.opencontainers.image.${key}`;
/** Whether a blob is the uncompressed layer of the model file. */
export const isModelLayer = (text: string) => text.startsWith('models/') && text.includes('irises');
/** Flips the lowest bit of the last byte. */
export const flipLast = (bytes: Buffer) =>
  Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]);
/** Changes the JSON text of the documents of one media type. */
export const editText = (change: (text: string) => string, type: string): Pick<Tampering, 'draft'> => ({
  draft: (draft) => {
    draft.editText = (own, mediaType) => (mediaType === type ? change(own) : own);
  },
});
/** Changes each platform's config. */
export const editConfig = (editConfig: Draft['editConfig']): Pick<Tampering, 'draft'> => ({
  draft: (draft) => void Object.assign(draft, { editConfig }),
});
/** Changes each platform's manifest. */
export const editManifest = (editManifest: Draft['editManifest']): Pick<Tampering, 'draft'> => ({
  draft: (draft) => void Object.assign(draft, { editManifest }),
});
/** Changes the index. */
export const editIndex = (editIndex: Draft['editIndex']): Pick<Tampering, 'draft'> => ({
  draft: (draft) => void Object.assign(draft, { editIndex }),
});
