import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseHead } from '../../scripts/http/bulk/head.ts';
import { waitOf } from '../../scripts/http/client.ts';
import { parseRetryAfter } from '../../scripts/http/retry.ts';
import { mediaTypes } from '../../scripts/image/types.ts';
import { parseChallenges } from '../../scripts/registry/auth/challenge.ts';
import { readErrors } from '../../scripts/registry/error-body.ts';
import { contentOf, sha256, testClient } from '../support/fake-registry.ts';
import { fuzz } from '../support/fuzz.ts';
import { jsonOf } from '../support/hostile-values.ts';
import { FuzzServer, line, local, places, type RawResponse } from './_fuzz-server.ts';

const server = new FuzzServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

const bytes = Buffer.from('a layer');

const digest = sha256(bytes);

const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest, size: bytes.length },
    layers: [],
  }),
);

const headers: Record<string, fc.Arbitrary<string>> = {
  'WWW-Authenticate': local(
    line(
      'Bearer realm="http://127.0.0.1:1/token",service="x",scope="repository:me/x:pull"',
      'Basic realm="x"',
      'Negotiate abc==, Basic realm=""',
      'Bearer realm="nowhere"',
    ),
  ),
  Location: local(line(...places)),
  Link: local(
    line(
      '</v2/me/x/tags/list?last=b&n=1000>; rel="next"',
      '<http://127.0.0.1:1/x>; rel=next',
      '<>; rel="next"',
    ),
  ),
  Range: line('0-6', 'bytes=0-6', '0-0', '6-0'),
  'Content-Range': line('bytes 3-6/7', 'bytes 0-6/7', 'bytes */7'),
  'Content-Length': line('7', '0', '-1', '7, 7', '7, 8', '99999999999999999999', '+7', '0x7'),
  'Content-Type': line(mediaTypes.manifest, mediaTypes.index, 'application/json', 'text/html; charset=utf-8'),
  'Content-Encoding': line('gzip', 'identity', 'br'),
  'Docker-Content-Digest': line(digest, sha256(manifest), 'sha256:', 'sha512:00'),
  'OCI-Chunk-Min-Length': line('5', '0', '-1', '1e9'),
  'Retry-After': line('0', '99999999999', 'Fri, 31 Dec 9999 23:59:59 GMT', '-5'),
  RateLimit: line('"api";r=0;t=55', '"api";r=0;t=999999999999'),
  'Transfer-Encoding': line('chunked', 'gzip, chunked'),
};

const errors = { errors: [{ code: 'DENIED', message: 'no', detail: { a: 1 } }] };

const tags = { name: 'me/x', tags: ['v1', 'v1.2.3', 'latest'] };

const anyResponse: fc.Arbitrary<RawResponse> = fc.record({
  status: fc.constantFrom(
    200,
    200,
    200,
    201,
    202,
    204,
    206,
    301,
    302,
    307,
    308,
    400,
    401,
    401,
    403,
    404,
    405,
    413,
    416,
    429,
    500,
    503,
  ),
  headers: fc
    .subarray(Object.keys(headers), { maxLength: 6 })
    .chain((names) =>
      fc.tuple(...names.map((name) => (headers[name] ?? line('')).map((value) => `${name}: ${value}`))),
    ),
  body: fc.oneof(
    jsonOf(errors),
    jsonOf(tags),
    jsonOf(JSON.parse(manifest.toString())),
    fc.constant(bytes),
    fc.constant(manifest),
    fc.uint8Array({ maxLength: 100 }),
  ),
});

it('arbitrary registry responses to each kind of request give a valid result or a refusal', {
  timeout: 200_000,
}, async () => {
  const blob = { mediaType: mediaTypes.layer, digest, size: bytes.length };
  const index = { mediaType: mediaTypes.manifest, digest: sha256(manifest), size: manifest.length };
  const outcomes = await fuzz(
    fc.tuple(fc.array(anyResponse, { minLength: 1, maxLength: 6 }), fc.nat({ max: 5 })),
    async ([answers, kind]) => {
      let turn = 0;
      server.answer = () => answers[turn++ % answers.length] ?? { status: 500, headers: [], body: bytes };
      await using client = testClient({ retry: { tries: 1, delay: 1 }, insecure: [server.host] });
      const repository = client.repository(`${server.host}/me/x`);
      const before = server.requests;
      if (kind === 0) for (const tag of await repository.tags()) expect(tag).toMatch(/^\w[\w.-]*$/);
      else if (kind === 1) {
        const found = await repository.resolve('v1');
        if (found !== undefined) expect(found.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      } else if (kind === 2) expect(Buffer.from(await repository.read(index)).equals(manifest)).toBe(true);
      else if (kind === 3) for await (const _ of repository.open(blob, 0));
      else if (kind === 4) await repository.write(contentOf(bytes, blob, 3));
      else await repository.write(contentOf(manifest, index));
      expect(server.requests - before).toBeLessThan(60);
    },
    { runs: 1200 },
  );
  expect(Math.min(outcomes.accepted, outcomes.refused)).toBeGreaterThan(20);
});

it('fuzzed and very long headers and error bodies are parsed within bounds', async () => {
  const long = [
    '<'.repeat(65_536),
    'http://'.repeat(9_000),
    'http://a?'.repeat(7_000),
    '"'.repeat(65_536),
    '\\"'.repeat(30_000),
    ' '.repeat(65_536),
    'a=,'.repeat(20_000),
    'a.'.repeat(30_000),
    '[['.repeat(30_000),
    '\u200b'.repeat(20_000),
    ';r=0'.repeat(16_000),
  ];
  await fuzz(
    fc.oneof(
      line('Bearer realm="x",scope="a b"', '120', 'HTTP/1.1 200 OK\r\nA: b', JSON.stringify(errors)),
      fc.string({ unit: 'binary' }),
    ),
    (text) => {
      for (const { scheme, parameters } of parseChallenges(text)) {
        expect(scheme).toBe(scheme.toLowerCase());
        expect(Object.getPrototypeOf(parameters)).toBeNull();
      }
      for (const wait of [parseRetryAfter(text), waitOf(() => text)])
        if (wait !== undefined) expect(wait >= 0 && Number.isFinite(wait)).toBe(true);
      const parsed = parseHead(text);
      if (parsed?.length !== undefined) expect(Number.isSafeInteger(parsed.length)).toBe(true);
      const { codes, text: said } = readErrors(text);
      expect(said.length).toBeLessThanOrEqual(300);
      expect(said).not.toMatch(/\p{Cc}/u);
      for (const code of codes) expect(code).toMatch(/^[A-Z0-9_]{1,64}$/);
    },
    { runs: 3000, always: long.map((text) => () => text), seconds: 1 },
  );
});
