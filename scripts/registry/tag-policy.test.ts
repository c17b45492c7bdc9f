import fc from 'fast-check';
import * as semver from 'semver';
import { describe, expect, test } from 'vitest';
import type { Digest } from '../image/types.ts';
import { checkImmutable, planTags, releaseBefore, standing } from './tag-policy.ts';

const number = fc.nat({ max: 3 });
const versions = fc
  .tuple(fc.constantFrom('v', ''), number, number, number, fc.constantFrom('', '', '-rc.1', '-0'))
  .map(([prefix, major, minor, patch, pre]) => `${prefix}${major}.${minor}.${patch}${pre}`);

/** Pushes versions one after another into a repository without tags. */
function push(order: string[]): Map<string, string> {
  const tags = new Map<string, string>();
  for (const version of order) {
    for (const { tag, move } of planTags({ version, extra: [], existing: [...tags.keys()] })) {
      if (move) tags.set(tag, version);
    }
  }
  return tags;
}

describe('planTags', () => {
  test('gives the same tags for any order of pushes, each at the newest release of its line', () => {
    const orders = fc
      .uniqueArray(versions, { maxLength: 8 })
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    fc.assert(
      fc.property(orders, ([first, second]) => {
        const tags = push(first);
        expect(new Map([...push(second)].sort())).toEqual(new Map([...tags].sort()));
        const releases = first.filter((version) => !version.includes('-'));
        for (const version of releases) {
          const [major, minor] = version.split('.');
          for (const [tag, line] of [
            [`${major}.${minor}`, releases.filter((other) => other.startsWith(`${major}.${minor}.`))],
            [`${major}`, releases.filter((other) => other.startsWith(`${major}.`))],
            ['latest', releases],
          ] as const) {
            expect(semver.eq(tags.get(tag) ?? '', [...line].sort(semver.rcompare)[0] ?? '')).toBe(true);
          }
        }
        for (const version of first) expect(tags.get(version)).toBe(version);
      }),
    );
  });

  test('moves forward only, line by line', () => {
    const plan = planTags({
      version: 'v1.2.3',
      extra: [],
      existing: ['v1.2.2', 'v1.10.0', 'v2.0.0-rc.1', 'nightly'],
    });
    expect(plan.map(({ tag, move }) => [tag, move])).toEqual([
      ['v1.2.3', true],
      ['v1.2', true],
      ['v1', false],
      ['latest', false],
    ]);
    expect(plan[2]?.why).toBe('v1.10.0 is newer');
  });

  test('prefers v1.0.0 to 1.0.0 for latest, in any order', () => {
    expect(push(['v1.0.0', '1.0.0']).get('latest')).toBe('v1.0.0');
    expect(push(['1.0.0', 'v1.0.0']).get('latest')).toBe('v1.0.0');
  });

  test('sets only the version tag for a pre-release', () => {
    expect(planTags({ version: 'v2.0.0-rc.1', extra: [], existing: [] }).map(({ tag }) => tag)).toEqual([
      'v2.0.0-rc.1',
    ]);
  });

  test('does not move an existing version, but sets missing floating tags', () => {
    const plan = planTags({ version: '1.0.0', extra: [], existing: ['1.0.0'] });
    expect(plan.map(({ tag, move }) => [tag, move])).toEqual([
      ['1.0.0', false],
      ['1.0', true],
      ['1', true],
      ['latest', true],
    ]);
  });

  test('always moves an extra tag, but never a version, and no floating tag backwards', () => {
    const plan = planTags({
      version: 'v1.0.0',
      extra: ['prod', 'latest', 'v0.9.0'],
      existing: ['v1.1.0', 'v0.9.0', 'prod'],
    });
    const moves = Object.fromEntries(plan.map(({ tag, kind, move }) => [tag, `${kind} ${move}`]));
    expect(moves).toMatchObject({ prod: 'extra true', latest: 'floating false', 'v0.9.0': 'version false' });
  });

  test.each([
    ['v1.2.3+build.5', 'write `v1.2.3`, or a pre-release such as `v1.2.3-build.5`'],
    ['v1.2', 'write `v1.2.0`'],
    ['1', 'write `v1.0.0`'],
    ['next', 'write a version such as `v1.0.0`'],
    ['v01.2.3', 'write a version such as `v1.0.0`'],
  ])('refuses version %s', (version, next) => {
    expect(() => planTags({ version, extra: [], existing: [] })).toThrow(
      expect.objectContaining({ code: 'usage', next }),
    );
  });

  test('sets no floating tags when disabled, and treats `latest` as an extra tag', () => {
    const plan = planTags({ version: 'v1.2.3', extra: ['latest'], existing: ['v2.0.0'], floating: false });
    expect(plan.map(({ tag, kind, move }) => [tag, kind, move])).toEqual([
      ['v1.2.3', 'version', true],
      ['latest', 'extra', true],
    ]);
  });

  test('names the newest release of a floating tag', () => {
    const plan = planTags({ version: 'v1.2.3', extra: [], existing: ['v1.10.0', 'v1.9.9', 'v2.0.0'] });
    expect(Object.fromEntries(plan.map(({ tag, newest }) => [tag, newest]))).toEqual({
      'v1.2.3': undefined,
      'v1.2': 'v1.2.3',
      v1: 'v1.10.0',
      latest: 'v2.0.0',
    });
  });

  test('refuses an extra tag outside the grammar', () => {
    expect(() => planTags({ extra: ['a b'], existing: [] })).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });
});

describe('standing', () => {
  test.each([
    ['latest', 'v1.2.9', 'v1.3.0', 'newer'],
    ['latest', 'v1.10.0', 'v1.9.0', 'older'],
    ['latest', 'v1.2.3', '1.2.3', 'same'],
    ['v1', 'v1.2.3', 'v2.0.0', undefined],
    ['v1', 'v1.2.3', 'v1.3.0', 'newer'],
    ['1.2', '1.2.3', 'v1.3.0', undefined],
    ['1.2', '1.2.3', 'v1.2.4', 'newer'],
    ['latest', 'v1.2.3', 'v2.0.0-rc.1', undefined],
    ['latest', 'v1.2.3', 'the second', undefined],
    ['latest', 'v1.2.3', undefined, undefined],
  ])('of %s: compared with %s, an image annotated %s is %s', (tag, version, named, expected) => {
    expect(standing(tag, version, named)).toBe(expected);
  });
});

describe('checkImmutable', () => {
  const [one, two] = ['1', '2'].map((digit): Digest => `sha256:${digit.repeat(64)}`) as [Digest, Digest];
  const repository = (digest?: Digest) => ({
    name: 'quay.io/me/iris',
    resolve: async () => (digest ? { mediaType: 'x/y', digest, size: 1 } : undefined),
  });

  test('distinguishes a free tag from one of the same image', async () => {
    expect(await checkImmutable(repository(), 'v1.0.0', one)).toBe(false);
    expect(await checkImmutable(repository(one), 'v1.0.0', one)).toBe(true);
  });

  test('refuses another image and shows both digests', async () => {
    const refusal = checkImmutable(repository(one), 'v1.0.0', two);
    await expect(refusal).rejects.toMatchObject({ code: 'tag', next: 'choose a new version' });
    await expect(refusal).rejects.toThrow(new RegExp(`${one}.*${two}`));
  });
});

describe('releaseBefore', () => {
  test.each([
    ['v1.2.4', ['v1.2.3', 'v1.2.10', 'v1.1.9', 'latest'], 'v1.2.3'],
    ['v1.2.4', ['v1.2.4', 'v2.0.0', 'v1.2.4-rc.1'], undefined],
    ['v2.0.0-rc.1', ['v1.9.0', 'v1.10.0', 'v1'], 'v1.10.0'],
    ['v1.0.1', ['1.0.0', 'v1.0.0', '0.9.0'], 'v1.0.0'],
    ['v1.0.1', ['1.0.0', '0.9.0'], '1.0.0'],
    ['v1.0.1', [], undefined],
  ])('of %s among %j is %s', (version, tags, expected) => {
    expect(releaseBefore(version, tags)).toBe(expected);
    expect(releaseBefore(version, tags.toReversed())).toBe(expected);
  });
});
