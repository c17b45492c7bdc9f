import { describe, expect, it } from 'vitest';
import { type Abilities, planCases, serviceName } from './cases.ts';

const own: Abilities = {
  own: true,
  openshift: false,
  pushed: false,
  modelcars: { enabled: true, mode: 'modelcar', user: 1010 },
};
const given: Abilities = { ...own, own: false };

/** mode, user → uidModelcar to set, or the reason to skip. */
const plan = (...options: [Parameters<typeof planCases>[1], Parameters<typeof planCases>[2], Abilities]) =>
  planCases(['iris'], ...options).map(({ mode, security, user, skip }) => [mode, security, skip ?? user]);

describe('planCases', () => {
  it('sets uidModelcar for each case in a new cluster', () => {
    expect(plan(['oci'], ['runtime', 'openshift', 'modelcar'], own)).toEqual([
      ['oci', 'runtime', 1010],
      ['oci', 'openshift', undefined],
      ['oci', 'modelcar', 1010],
    ]);
    const without = { ...own, modelcars: { enabled: true, mode: 'modelcar' } };
    expect(plan(['oci'], ['modelcar'], without)).toEqual([['oci', 'modelcar', 1010]]);
  });

  it('skips unsupported cases of an existing cluster, with the reason', () => {
    expect(plan(['oci'], ['runtime', 'openshift', 'modelcar'], given)).toEqual([
      ['oci', 'runtime', 1010],
      ['oci', 'openshift', expect.stringContaining('uidModelcar to 1010')],
      ['oci', 'modelcar', 1010],
    ]);
    const without = { ...given, modelcars: { enabled: true, mode: 'modelcar' } };
    expect(plan(['oci'], ['openshift', 'modelcar'], without)).toEqual([
      ['oci', 'openshift', undefined],
      ['oci', 'modelcar', expect.stringContaining('does not set uidModelcar')],
    ]);
  });

  it('names the setting when modelcars are off', () => {
    const off = { ...given, modelcars: { enabled: false, mode: 'modelcar' } };
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

describe('serviceName', () => {
  it('is unique, valid and short enough for the suffix that KServe adds', () => {
    const names = [
      'iris',
      '7b-instruct',
      'a'.repeat(63),
      `${'a'.repeat(62)}b`,
      `${'a'.repeat(28)}-${'b'.repeat(30)}`,
    ];
    const made = names.flatMap((name) => [
      serviceName(name, 'oci', 'runtime'),
      serviceName(name, 'oci+native', 'runtime'),
      serviceName(name, 'oci+fetch', 'openshift'),
      serviceName(name, 'oci', 'modelcar'),
    ]);
    for (const name of made) {
      expect(name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
      expect(name).not.toContain('--');
      expect(`${name}-predictor`.length).toBeLessThanOrEqual(63);
    }
    expect(new Set(made).size).toBe(made.length);
  });
});
