import type { Model, Serving } from '../../scripts/model/types.ts';

type Draft = Partial<Omit<Model, 'serving'>> & { serving?: Partial<Serving> | undefined };

/** A model as a catalog gives it: the fields of a test, and for the others what models.yaml gives by default. */
export function draftModel({ serving, ...fields }: Draft = {}): Model {
  return {
    name: 'iris',
    framework: 'sklearn',
    source: 'file:m',
    files: {},
    include: [],
    exclude: [],
    tags: [],
    base: 'embedded',
    platforms: ['linux/amd64'],
    compression: 'none',
    annotations: {},
    ...fields,
    ...(serving && { serving: { args: [], env: {}, imagePullSecrets: [], ...serving } }),
  };
}
