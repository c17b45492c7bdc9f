import { describe, expect, it } from 'vitest';
import { draftModel } from '../../../tests/support/draft-model.ts';
import type { Model, Serving } from '../../model/types.ts';
import { type Abilities, caseName, planCases } from './cases.ts';

const own: Abilities = {
  own: true,
  openshift: false,
  pushed: false,
  namespace: 'modelcars-smoke-0a1b2c',
  modelcars: { enabled: true, mode: 'modelcar', user: 1010, cpu: '10m' },
};
const given: Abilities = { ...own, own: false };

const model = (serving?: Partial<Serving>): Model => draftModel({ serving });

/** mode, user → uidModelcar to set, or the reason to skip. */
const plan = (...options: [Parameters<typeof planCases>[1], Parameters<typeof planCases>[2], Abilities]) =>
  planCases([model()], ...options).map(({ mode, security, user, skip }) => [mode, security, skip ?? user]);

describe('planCases', () => {
  it('sets uidModelcar for each case in a new cluster', () => {
    expect(plan(['oci'], ['runtime', 'openshift', 'modelcar'], own)).toEqual([
      ['oci', 'runtime', 1010],
      ['oci', 'openshift', undefined],
      ['oci', 'modelcar', 1010],
    ]);
    const without = { ...own, modelcars: { enabled: true, mode: 'modelcar', cpu: '10m' } };
    expect(plan(['oci'], ['modelcar'], without)).toEqual([['oci', 'modelcar', 1010]]);
  });

  it('skips unsupported cases of an existing cluster, with the reason', () => {
    expect(plan(['oci'], ['runtime', 'openshift', 'modelcar'], given)).toEqual([
      ['oci', 'runtime', 1010],
      ['oci', 'openshift', expect.stringContaining('uidModelcar to 1010')],
      ['oci', 'modelcar', 1010],
    ]);
    const without = { ...given, modelcars: { enabled: true, mode: 'modelcar', cpu: '10m' } };
    expect(plan(['oci'], ['openshift', 'modelcar'], without)).toEqual([
      ['oci', 'openshift', undefined],
      ['oci', 'modelcar', expect.stringContaining('does not set uidModelcar')],
    ]);
  });

  it('names the setting when modelcars are off', () => {
    const off = { ...given, modelcars: { enabled: false, mode: 'modelcar', cpu: '10m' } };
    expect(plan(['oci'], ['runtime'], off)).toEqual([
      ['oci', 'runtime', expect.stringContaining('enableModelcar')],
    ]);
  });

  it('skips combinations of mode and security that cannot work', () => {
    expect(plan(['oci+native', 'oci+fetch'], ['openshift', 'modelcar'], own)).toEqual([
      ['oci+native', 'openshift', undefined],
      ['oci+native', 'modelcar', expect.stringContaining('sidecar')],
      ['oci+fetch', 'openshift', expect.stringContaining('--remote')],
      ['oci+fetch', 'modelcar', expect.stringContaining('--remote')],
    ]);
    expect(plan(['oci+fetch'], ['openshift'], { ...own, pushed: true })).toEqual([
      ['oci+fetch', 'openshift', undefined],
    ]);
  });
});

it('tests a model in the mode of its `storage`, unless another is asked for', () => {
  const modes = (...asked: Parameters<typeof planCases>[1]) =>
    planCases([model({ storage: 'oci+native' })], asked, ['openshift'], own).map(({ mode }) => mode);
  expect(modes()).toEqual(['oci+native']);
  expect(modes('oci')).toEqual(['oci']);
  const fetched = (pushed: boolean) =>
    planCases([model({ storage: 'oci+fetch' })], [], ['openshift'], { ...own, pushed }).map(
      ({ mode }) => mode,
    );
  expect([...fetched(true), ...fetched(false)]).toEqual(['oci+fetch', 'oci']);
  expect(plan([], ['openshift'], own)).toEqual([['oci', 'openshift', undefined]]);
});

describe('caseName', () => {
  it('is that of the manifest with the case, where KServe has room for it', () => {
    expect(caseName('iris', { mode: 'oci+native', security: 'openshift' }, 'models')).toBe('iris-no');
    const [planned] = planCases([model({ name: 'flowers' })], ['oci'], ['runtime'], own);
    expect(planned?.name).toBe('flowers-or');
  });

  it.each(['models', own.namespace, 'n'.repeat(45)])(
    'is unique and fits the host name in %s',
    (namespace) => {
      const names = ['iris', 'a'.repeat(48), `${'a'.repeat(47)}b`, `${'a'.repeat(28)}-${'b'.repeat(19)}`];
      const made = names.flatMap((name) => [
        caseName(name, { mode: 'oci', security: 'runtime' }, namespace),
        caseName(name, { mode: 'oci+native', security: 'runtime' }, namespace),
        caseName(name, { mode: 'oci+fetch', security: 'openshift' }, namespace),
        caseName(name, { mode: 'oci', security: 'modelcar' }, namespace),
      ]);
      for (const name of made) {
        expect(name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
        expect(name).not.toContain('--');
        expect(`${name}-predictor-${namespace}`.length).toBeLessThanOrEqual(63);
      }
      expect(new Set(made).size).toBe(made.length);
    },
  );
});
