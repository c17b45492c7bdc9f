/** Images that do not serve, each for one reason. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { irisSmoke } from '../../frameworks/iris.ts';
import type { Stage } from '../../scripts/kserve/types.ts';
import { type BrokenImage, sampleFile, wrongModel } from './_broken.ts';

/**
 * The fields of a model in models.yaml: where the model serves and is wrong, only its own request can show that. A
 * request made from its files accepts any answer.
 */
export function fieldsOf(name: string): { smoke?: object } {
  if (name !== 'wrong-answer') return {};
  const { body, expect } = irisSmoke('labels', {});
  const { classes, output } = expect;
  return { smoke: { ...(body as object), expect: { classes, output } } };
}

/** A broken image and the diagnosis that smoke must report. */
export interface Negative {
  image(folder: string): BrokenImage | Promise<BrokenImage>;
  stage: Stage;
  cause: RegExp;
}

/** The failure on a cluster, and in `smoke --local`. */
export const negatives: Record<string, Negative> = {
  'no-shell': { image: () => ({ shell: false }), stage: 'init', cause: /no shell/ },
  entrypoint: { image: () => ({ entrypoint: ['/bin/echo'] }), stage: 'link', cause: /ENTRYPOINT/ },
  'mode-0400': { image: () => ({ fileMode: 0o400 }), stage: 'load', cause: /cannot read \/mnt\/models/ },
  'roots-own': {
    image: () => ({ folder: { mode: 0o700, owner: 0 } }),
    stage: 'init',
    cause: /cannot read \/models/,
  },
  empty: { image: () => ({ files: {} }), stage: 'init', cause: /nothing below \/models/ },
  'wrong-name': {
    image: async () => ({ files: { 'iris.joblib': await readFile(sampleFile) } }),
    stage: 'load',
    cause: /another name/,
  },
  corrupt: {
    image: () => ({ files: { 'model.joblib': randomBytes(2000) } }),
    stage: 'load',
    cause: /cannot read the file/,
  },
  'wrong-answer': {
    image: async (folder) => ({ files: { 'model.joblib': await readFile(await wrongModel(folder)) } }),
    stage: 'answer',
    cause: /another model|other order/,
  },
};
