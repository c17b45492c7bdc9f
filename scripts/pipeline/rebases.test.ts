import { describe, expect, it } from 'vitest';
import { draftModel } from '../../tests/support/draft-model.ts';
import { ModelcarsError } from '../errors.ts';
import type { Catalog, Loader, Model } from '../model/types.ts';
import { type RebaseRequest, readRebases } from './rebases.ts';

const model = (name: string, more: Partial<Model> = {}): Model =>
  draftModel({ name, source: 'file:a', registry: 'quay.io/me', version: 'v1.3.0', ...more });
const { framework, source, files, include, exclude, ...image } = model('loader');
const loader: Loader = { ...image, image: 'loader' };
const catalog: Catalog = {
  file: '/catalog/models.yaml',
  directory: '/catalog',
  lockFile: '/catalog/models.lock.yaml',
  mirrors: {},
  models: [model('iris', { tags: ['stable'], floatingTags: false }), loader],
};

const read = (images: string[], more: Partial<RebaseRequest> = {}) =>
  readRebases({
    catalog,
    images,
    only: [],
    registry: undefined,
    to: undefined,
    base: undefined,
    version: undefined,
    tags: undefined,
    floatingTags: undefined,
    ...more,
  });

describe('readRebases', () => {
  it('takes base, version and tags of the catalog, and leaves loaders out', () => {
    const [iris, ...others] = read([]);
    expect(others).toEqual([]);
    expect(iris).toMatchObject({
      name: 'iris',
      from: 'quay.io/me/iris',
      reference: undefined,
      to: 'quay.io/me/iris',
      version: 'v1.3.0',
      isListed: true,
      model: { base: 'embedded', version: 'v1.3.0', tags: ['stable'], floatingTags: false },
    });
  });

  it('takes those of the command line instead', () => {
    const base = 'quay.io/me/base:2';
    expect(
      read(['iris@v1.2.3'], { base, version: 'v1.2.4', registry: 'quay.io/dev', tags: [] }),
    ).toMatchObject([
      { from: 'quay.io/dev/iris', reference: 'v1.2.3', version: 'v1.2.4', model: { base, tags: [] } },
    ]);
  });

  it('needs no catalog for an image that is named in full', () => {
    const more = { catalog: undefined, base: 'embedded', version: 'v1.2.4' };
    expect(read(['quay.io/me/deep/iris:v1.2.3'], more)).toMatchObject([
      {
        name: 'iris',
        from: 'quay.io/me/deep/iris',
        reference: 'v1.2.3',
        isListed: false,
        model: { registry: 'quay.io/me/deep', base: 'embedded', version: 'v1.2.4' },
      },
    ]);
    expect(read(['quay.io/me/iris:v1'], { ...more, to: 'quay.io/other' })).toMatchObject([
      { from: 'quay.io/me/iris', to: 'quay.io/other/iris' },
    ]);
  });

  it.each<[string, string[], Partial<RebaseRequest>]>([
    ['no base is given', ['quay.io/me/iris:v1'], { version: 'v1.2.4' }],
    ['no version is given', ['quay.io/me/iris:v1'], { base: 'embedded' }],
    ['it is a loader', ['loader'], {}],
    ['is not a version', ['iris'], { version: 'latest' }],
    ['is no image reference', ['iris'], { base: 'UPPER CASE' }],
    ['two registries', ['iris'], { to: 'ghcr.io/me' }],
    ['made twice', ['iris@v1.2.3', 'iris@v1.2.2'], {}],
    ['neither a tag nor a digest', ['quay.io/me/iris'], { base: 'embedded', version: 'v1.2.4' }],
    ['models.yaml does not exist', ['iris'], { catalog: undefined }],
    ['read --registry', ['iris'], { registry: 'not a registry' }],
  ])('refuses: %s', (problem, images, more) => {
    const act = () => read(images, more);
    expect(act).toThrow(ModelcarsError);
    expect(act).toThrow(problem);
  });
});
