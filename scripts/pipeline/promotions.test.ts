import { describe, expect, it } from 'vitest';
import { draftModel } from '../../tests/support/draft-model.ts';
import { ModelcarsError } from '../errors.ts';
import type { Catalog, Model } from '../model/types.ts';
import { type PromotionRequest, readPromotions } from './promotions.ts';

const model = (name: string, more: Partial<Model> = {}): Model =>
  draftModel({ name, source: 'file:a', registry: 'quay.io/dev', version: 'v1.3.0', ...more });
const catalog: Catalog = {
  file: '/catalog/models.yaml',
  directory: '/catalog',
  lockFile: '/catalog/models.lock.yaml',
  mirrors: {},
  models: [model('iris', { tags: ['stable'] }), model('fraud')],
};
const digest = `sha256:${'a'.repeat(64)}`;

const read = (images: string[], more: Partial<PromotionRequest> = {}) =>
  readPromotions({
    catalog,
    images,
    only: [],
    from: undefined,
    to: 'quay.io/prod',
    version: undefined,
    tags: undefined,
    floatingTags: undefined,
    ...more,
  });

describe('readPromotions', () => {
  it('takes version and tags of the catalog for a name alone', () => {
    expect(read(['iris'])).toEqual([
      {
        name: 'iris',
        from: 'quay.io/dev/iris',
        reference: 'v1.3.0',
        to: 'quay.io/prod/iris',
        version: 'v1.3.0',
        tags: ['stable'],
        floatingTags: true,
      },
    ]);
    expect(read([]).map(({ name }) => name)).toEqual(['iris', 'fraud']);
    expect(read([], { only: ['name=fr*'] }).map(({ name }) => name)).toEqual(['fraud']);
    expect(read(['iris'], { version: 'v2.0.0', tags: ['a'], floatingTags: false })).toMatchObject([
      { reference: 'v2.0.0', version: 'v2.0.0', tags: ['a'], floatingTags: false },
    ]);
  });

  it.each([
    ['iris@v1.2.3', { reference: 'v1.2.3', version: 'v1.2.3' }],
    ['iris:v1.2.3', { reference: 'v1.2.3', version: 'v1.2.3' }],
    [`iris@${digest}`, { reference: digest, version: undefined }],
    ['iris@candidate', { reference: 'candidate', version: undefined }],
  ])('leaves the tags of the catalog out for %s', (word, expected) => {
    expect(read([word])).toMatchObject([{ from: 'quay.io/dev/iris', tags: [], ...expected }]);
  });

  it('reads references without a catalog', () => {
    const [one, two, three] = read(
      ['ghcr.io/team/ml/iris:v1.2.3', `ghcr.io/me/a@${digest}`, `ghcr.io/me/b:v1.0.0@${digest}`],
      { catalog: undefined },
    );
    expect(one).toMatchObject({
      name: 'iris',
      from: 'ghcr.io/team/ml/iris',
      reference: 'v1.2.3',
      to: 'quay.io/prod/iris',
      version: 'v1.2.3',
    });
    expect(two).toMatchObject({ name: 'a', reference: digest, version: undefined });
    expect(three).toMatchObject({ name: 'b', reference: digest, version: 'v1.0.0' });
  });

  it.each<[string[], Partial<PromotionRequest>, string]>([
    [['iris'], { to: undefined }, 'no registry to copy to is given'],
    [['iris'], { to: 'prod' }, 'read --to: expected a registry host'],
    [['iris'], { to: 'quay.io/prod:v1' }, 'read --to: expected a registry host'],
    [['iris'], { from: 'https://quay.io/dev' }, 'did you mean `quay.io/dev`?'],
    [['iris'], { to: 'quay.io/dev' }, 'quay.io/dev/iris would be copied to itself'],
    [['quay.io/prod/iris:v1.0.0'], {}, 'would be copied to itself'],
    [['irsi@v1.2.3'], {}, 'did you mean `iris`?'],
    [['iris@'], {}, 'neither a version nor a digest'],
    [['iris@sha256:12'], {}, 'neither a version nor a digest'],
    [['quay.io/dev/iris'], {}, 'names neither a tag nor a digest'],
    [['iris', 'iris@v1.3.0'], {}, 'v1.3.0 is given twice'],
    [['iris'], { only: ['name=i*'] }, 'name no image'],
    [['iris'], { version: '1.x' }, 'is not a version'],
    [['iris'], { catalog: undefined }, 'models.yaml does not exist'],
    [['fraud'], { catalog: { ...catalog, models: [noRegistry()] } }, 'no registry to copy from is given'],
  ])('refuses %j with %o', (images, more, message) => {
    const call = () => read(images, more);
    expect(call).toThrow(ModelcarsError);
    expect(call).toThrow(message);
  });
});

function noRegistry(): Model {
  const { registry: _, ...rest } = model('fraud');
  return rest;
}
