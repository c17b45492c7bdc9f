import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { applyMirrors } from './mirrors.ts';
import { formatReference, parseReference, type Reference } from './reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}` as const;

const component = fc
  .tuple(fc.stringMatching(/^[a-z0-9]{1,6}$/), fc.constantFrom('', '.a', '_b', '__c', '--d'))
  .map(([head, tail]) => head + tail);
const registry = fc.constantFrom(
  'quay.io',
  'localhost',
  'localhost:5000',
  '[::1]:5000',
  '127.0.0.1:80',
  'a-b.c:443',
);
const references: fc.Arbitrary<Reference> = fc
  .record(
    {
      registry,
      repository: fc.array(component, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/')),
      tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
      digest: fc.constant(digest),
    },
    { requiredKeys: ['registry', 'repository'] },
  )
  .filter((reference) => reference.repository.length <= 255);

describe('parseReference', () => {
  test('reads back every reference that formatReference writes', () => {
    fc.assert(
      fc.property(references, (reference) => {
        expect(parseReference(formatReference(reference))).toEqual(reference);
      }),
    );
  });

  test('refuses a text with a usage error, or parses its canonical form to the same value', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aB1.:/@_- +[]lo\0é') }), (text) => {
        let reference: Reference;
        try {
          reference = parseReference(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelcarsError);
          expect((error as ModelcarsError).exitCode).toBe(2);
          return;
        }
        expect(parseReference(formatReference(reference))).toEqual(reference);
      }),
      { numRuns: 2000 },
    );
  });

  // Expected values: distribution's reference/normalize_test.go.
  test.each([
    ['ubuntu', 'docker.io/library/ubuntu'],
    ['me/iris', 'docker.io/me/iris'],
    ['docker.io/ubuntu:22.04', 'docker.io/library/ubuntu:22.04'],
    ['index.docker.io/me/iris', 'docker.io/me/iris'],
    ['localhost/iris', 'localhost/iris'],
    ['localhost:5000/iris:v1', 'localhost:5000/iris:v1'],
    ['Registry.Example.com/iris', 'registry.example.com/iris'],
    ['[::1]:5000/me/iris', '[::1]:5000/me/iris'],
    ['registry.io:5000', 'docker.io/library/registry.io:5000'],
    [`quay.io/me/iris:v1@${digest}`, `quay.io/me/iris:v1@${digest}`],
  ])('reads %s as %s', (text, canonical) => {
    expect(formatReference(parseReference(text))).toBe(canonical);
  });

  test.each([
    ['https://quay.io/me/iris:v1', 'quay.io/me/iris:v1'],
    ['oci://quay.io/me/iris', 'quay.io/me/iris'],
    ['quay.io/Me/Iris:v1', 'quay.io/me/iris:v1'],
    ['Me/iris:v1', 'docker.io/me/iris:v1'],
    ['quay.io/me/iris/', 'quay.io/me/iris'],
    ['quay.io/me/my model:v1', 'quay.io/me/my-model:v1'],
    ['quay.io/me/iris:v1+build', 'quay.io/me/iris'],
  ])('refuses %s and suggests %s', (text, nearest) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'usage', next: `write \`${nearest}\`` }),
    );
  });

  test.each([
    '',
    '/',
    'quay.io/',
    'quay.io:0/a',
    'quay.io:99999/a',
    '1.2.3.999/a',
    'a@sha256:12',
    `a@sha512:${'a'.repeat(128)}`,
    'a'.repeat(256),
    '0'.repeat(64),
    'quay.io/../a',
    '-a.b/c',
    'user@host.io/a',
  ])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('applyMirrors', () => {
  const mirror = (text: string, mirrors: Record<string, string>) =>
    formatReference(applyMirrors(parseReference(text), mirrors));

  test('replaces the longest prefix and keeps tag and digest', () => {
    const mirrors = { 'quay.io': 'all:5000', 'quay.io/me/': 'mine.example/x/', 'docker.io': 'hub.example' };
    expect(mirror(`quay.io/me/iris:v1@${digest}`, mirrors)).toBe(`mine.example/x/iris:v1@${digest}`);
    expect(mirror('quay.io/you/iris:v1', mirrors)).toBe('all:5000/you/iris:v1');
    expect(mirror('ubuntu', mirrors)).toBe('hub.example/library/ubuntu');
  });

  test('matches whole path components only', () => {
    expect(mirror('quay.io/mean/iris', { 'quay.io/me': 'mirror:5000' })).toBe('quay.io/mean/iris');
    expect(mirror('quay.io.evil.example/a', { 'quay.io': 'mirror:5000' })).toBe('quay.io.evil.example/a');
  });

  test.each(['mirror/redhat', '', 'mirror:x', 'https://mirror'])('refuses the replacement %j', (target) => {
    expect(() => mirror('quay.io/me/iris', { 'quay.io': target })).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });
});
