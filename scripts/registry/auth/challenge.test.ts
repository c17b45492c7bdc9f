import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseChallenges } from './challenge.ts';

const token = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
const value = fc.string({ unit: fc.constantFrom(...'ab,="\\ :/?'), maxLength: 12 });
const challenge = fc.record({
  scheme: token,
  parameters: fc.uniqueArray(fc.tuple(token, value), {
    selector: ([name]) => name,
    minLength: 1,
    maxLength: 4,
  }),
});
const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;

test('parses any challenges, in one header or several', () => {
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 4 }), fc.boolean(), (challenges, joined) => {
      const written = challenges.map(
        ({ scheme, parameters }) =>
          `${scheme} ${parameters.map(([name, text]) => `${name}=${quote(text)}`).join(', ')}`,
      );
      const read = parseChallenges(joined ? written.join(', ') : written);
      expect(read.map((one) => ({ scheme: one.scheme, parameters: Object.entries(one.parameters) }))).toEqual(
        challenges,
      );
    }),
  );
});

test('never throws on any header', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'Bearer realm=",\\ \t\0é') }), (text) => {
      expect(Array.isArray(parseChallenges(text))).toBe(true);
    }),
  );
});

test.each([
  // As sent by Docker Hub, GHCR, Harbor, a Windows proxy and JFrog.
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/ubuntu:pull,push"',
    [
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/ubuntu:pull,push',
        },
      },
    ],
  ],
  ['BASIC realm="harbor"', [{ scheme: 'basic', parameters: { realm: 'harbor' } }]],
  [
    'Negotiate, NTLM TlRMTVNTUAAB==, Basic realm="x, y"',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'ntlm', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'x, y' } },
    ],
  ],
  [
    'Bearer realm=https://a.example/token,service=a.example',
    [{ scheme: 'bearer', parameters: { realm: 'https://a.example/token', service: 'a.example' } }],
  ],
  [
    'Bearer realm="https://good.example", realm="https://evil.example"',
    [{ scheme: 'bearer', parameters: { realm: 'https://good.example' } }],
  ],
  ['', []],
])('reads %s', (header, challenges) => {
  expect(parseChallenges(header).map((one) => ({ ...one, parameters: { ...one.parameters } }))).toEqual(
    challenges,
  );
});
