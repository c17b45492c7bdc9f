import { describe, expect, it } from 'vitest';
import { draftModel } from '../../tests/support/draft-model.ts';
import type { Model, ModelSmoke, Serving } from '../model/types.ts';
import { refusedModels, requireNames } from './refused-models.ts';
import { smokeDefaults } from './smoke-options.ts';

const model = (name: string, serving?: Partial<Serving>, smoke?: ModelSmoke | false): Model =>
  draftModel({ name, serving, ...(smoke !== undefined && { smoke }) });
const long = 'a'.repeat(47);

describe('refusedModels', () => {
  it('fails the models that `manifest` refuses, before anything runs', () => {
    const models = [model('iris'), model('7b'), model('8b', { name: 'm-8b' }), model('9b', {}, false)];
    expect(refusedModels(models, smokeDefaults)).toEqual([
      {
        model: '7b',
        mode: 'oci',
        security: 'openshift',
        status: 'failed',
        seconds: 0,
        diagnosis: expect.objectContaining({
          stage: 'apply',
          what: expect.stringContaining('`7b`'),
          fix: expect.stringContaining('m-7b'),
        }),
      },
    ]);
  });

  it('counts the namespace of --namespace, and says where it would have run', () => {
    expect(refusedModels([model(long)], smokeDefaults)).toEqual([]);
    const wishes = { ...smokeDefaults, namespace: 'models' };
    expect(refusedModels([model(long, { storage: 'oci+native' })], wishes)).toMatchObject([
      { model: long, mode: 'oci+native' },
    ]);
    expect(refusedModels([model(long)], { ...wishes, local: true })).toMatchObject([{ mode: 'local' }]);
  });
});

describe('requireNames', () => {
  it('says what to write for one model, and lists several', () => {
    expect(() => requireNames([model('iris'), model('7b', { name: 'm-7b' })], 'models')).not.toThrow();
    expect(() => requireNames([model('7b')], undefined)).toThrow(
      /^write manifest of 7b: KServe refuses an InferenceService of the name `7b`/,
    );
    expect(() => requireNames([model('7b'), model(long)], 'models')).toThrow(
      /2 models.*\n7b: .*`serving: \{name: m-7b\}`.*\na{47}: .*in namespace models/,
    );
  });
});
