/** Answers of registries, hubs and S3 over real connections: statuses, headers and bodies that no honest server sends. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseHead } from '../../scripts/http/bulk/head.ts';
import { waitOf } from '../../scripts/http/client.ts';
import { parseRetryAfter } from '../../scripts/http/retry.ts';
import { mediaTypes } from '../../scripts/image/types.ts';
import { parseChallenges } from '../../scripts/registry/auth/challenge.ts';
import { readErrors } from '../../scripts/registry/error-body.ts';
import { HubSource } from '../../scripts/sources/huggingface/source.ts';
import { s3Source } from '../../scripts/sources/s3/source.ts';
import { contentOf, sha256, testClient } from '../support/fake-registry.ts';
import { bytesOf, fuzz, hostile, jsonOf, monsters } from './_fuzz.ts';

interface Answer {
  status: number;
  /** Lines, as they go over the wire. */
  headers: string[];
  body: Uint8Array;
}

/** What the peer answers to a request line (`GET /v2/…`). */
let answer: (request: string) => Answer;
let server: Server;
let host: string;
let requests = 0;
beforeAll(async () => {
  server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      requests++;
      const { status, headers, body } = answer(text.slice(0, text.indexOf('\r\n')));
      text = '';
      const head = [`HTTP/1.1 ${status} X`, 'Connection: close', ...headers].join('\r\n');
      socket.end(Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** A value with something wrong in it, on one line of latin1: a server cannot send another. */
function line(...valid: string[]): fc.Arbitrary<string> {
  const spoiled = fc
    .constantFrom(...valid)
    .chain((text) => bytesOf(Buffer.from(text)).map((bytes) => bytes.toString('latin1')));
  const strange = hostile.map((value) =>
    String(typeof value === 'object' ? JSON.stringify(value) : value).slice(0, 6000),
  );
  return fc
    .oneof(
      { weight: 3, arbitrary: fc.constantFrom(...valid) },
      { weight: 2, arbitrary: spoiled },
      { weight: 1, arbitrary: strange },
    )
    .map((text) =>
      Buffer.from(text, 'utf8')
        .toString('latin1')
        .replaceAll(/[\r\n\0]/g, ' '),
    );
}

/** A URL that leads nowhere but to this machine: the test speaks to nobody else. */
function local(arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return arbitrary.filter((text) => {
    for (const [url] of text.matchAll(/(?:[a-z][a-z0-9+.-]*:)?\/\/[^\s"<>,;]*/gi))
      if (URL.canParse(url, 'http://127.0.0.1') && new URL(url, 'http://127.0.0.1').hostname !== '127.0.0.1')
        return false;
    return (
      !URL.canParse(text, 'http://127.0.0.1/v2/') ||
      new URL(text, 'http://127.0.0.1/v2/').hostname === '127.0.0.1'
    );
  });
}

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
const places = [
  '/v2/me/x/blobs/uploads/1?state=2',
  '1',
  'http://127.0.0.1:1/up',
  'https://127.0.0.1:1/up',
  '//127.0.0.1:1/',
  '?a',
  '#',
  'data:,x',
  'file:///etc/passwd',
  'http://127.0.0.1:99999/',
];
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
const anyAnswer: fc.Arbitrary<Answer> = fc.record({
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

it('a registry that answers anything at all, to each kind of request', { timeout: 200_000 }, async () => {
  const blob = { mediaType: mediaTypes.layer, digest, size: bytes.length };
  const index = { mediaType: mediaTypes.manifest, digest: sha256(manifest), size: manifest.length };
  const outcomes = await fuzz(
    fc.tuple(fc.array(anyAnswer, { minLength: 1, maxLength: 6 }), fc.nat({ max: 5 })),
    async ([answers, kind]) => {
      let turn = 0;
      answer = () => answers[turn++ % answers.length] ?? { status: 500, headers: [], body: bytes };
      await using client = testClient({ retry: { tries: 1, delay: 1 }, insecure: [host] });
      const repository = client.repository(`${host}/me/x`);
      const before = requests;
      if (kind === 0) for (const tag of await repository.tags()) expect(tag).toMatch(/^\w[\w.-]*$/);
      else if (kind === 1) {
        const found = await repository.resolve('v1');
        if (found !== undefined) expect(found.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      } else if (kind === 2) expect(Buffer.from(await repository.read(index)).equals(manifest)).toBe(true);
      else if (kind === 3) for await (const _ of repository.open(blob, 0));
      else if (kind === 4) await repository.write(contentOf(bytes, blob, 3));
      else await repository.write(contentOf(manifest, index));
      expect(requests - before).toBeLessThan(60);
    },
    { runs: 1200 },
  );
  expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(20);
});

const hex = 'ab'.repeat(32);
const commit = 'c'.repeat(40);
const info = {
  id: 'org/name',
  _id: 'x',
  sha: commit,
  private: false,
  gated: false,
  likes: 1,
  downloads: 1,
  lastModified: '2024-01-01T00:00:00.000Z',
  pipeline_tag: 'text-generation',
  cardData: { license: 'mit' },
  library_name: 'transformers',
};
const tree = [
  {
    type: 'file',
    oid: '0'.repeat(40),
    size: 10,
    path: 'model.bin',
    lfs: { oid: hex, size: 10, pointerSize: 100 },
  },
  { type: 'directory', oid: '0'.repeat(40), size: 0, path: 'a' },
];

it("a hub's answers: an exact snapshot, or a refusal", { timeout: 200_000 }, async () => {
  const always = monsters.flatMap((monster) => [
    () => [monster(), Buffer.from('[]'), ''],
    () => [Buffer.from(JSON.stringify(info)), monster(), ''],
  ]);
  // A list of one hash looks like the hash itself to a regular expression.
  const listed = tree.map((entry) => ({ ...entry, lfs: { oid: [hex], size: 10 } }));
  always.push(() => [Buffer.from(JSON.stringify(info)), Buffer.from(JSON.stringify(listed)), '']);
  const outcomes = await fuzz(
    fc.tuple(
      jsonOf(info),
      jsonOf(tree),
      local(
        line(
          '',
          `</api/models/org/name/tree/${commit}?cursor=x>; rel="next"`,
          '<http://127.0.0.1:1/>; rel="next"',
        ),
      ),
    ) as fc.Arbitrary<[Buffer, Buffer, string]>,
    async ([one, list, link]) => {
      let pages = 0;
      answer = (request) => {
        const isTree = request.includes('/tree/');
        const next = isTree && link !== '' && pages++ < 3 ? [`Link: ${link}`] : [];
        return {
          status: 200,
          headers: ['Content-Type: application/json', ...next],
          body: isTree ? list : one,
        };
      };
      const source = new HubSource({
        env: { HF_ENDPOINT: `http://${host}`, HOME: '/nonexistent' },
        retry: { tries: 1, delay: 1 },
      });
      try {
        const { revision, files, metadata = {} } = await source.resolve('hf://org/name', () => true);
        expect(revision).toMatch(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
        for (const file of files) {
          expect(typeof file.path).toBe('string');
          expect(file.path.split('/')).not.toContain('..');
          expect(typeof file.sha256).toBe('string');
          expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
          expect(Number.isSafeInteger(file.size)).toBe(true);
        }
        for (const text of Object.values(metadata)) expect(typeof text).toBe('string');
      } finally {
        await source.close();
      }
    },
    { runs: 500, always },
  );
  expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(20);
});

it("S3's XML: an exact snapshot, or a refusal", { timeout: 200_000 }, async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATESTTESTTEST0001');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-secret-secret');
  const head = '<?xml version="1.0" encoding="UTF-8"?>';
  const object = (key: string, size = '3') =>
    `<Contents><Key>${key}</Key><Size>${size}</Size><ETag>&quot;e&quot;</ETag><LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>`;
  const list = (inside: string) =>
    `${head}<ListBucketResult><Name>models</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${inside}</ListBucketResult>`;
  const valid = list(object('m/model.bin') + object('m/a%2Fb'));
  const traps = [
    `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 12 }, (_, at) => `<!ENTITY ${String.fromCharCode(98 + at)} "${`&${String.fromCharCode(97 + at)};`.repeat(10)}">`).join('')}]>${list(object('m/&m;'))}`,
    `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${list(object('m/&a;'))}`,
    list('<a>'.repeat(10_000) + '</a>'.repeat(10_000)),
    list('<a>'.repeat(100_000)),
    list(object('m/x').repeat(20_000)),
    ...['-3', '1e999', 'NaN', '', '0x10', '99999999999999999999999', '1.5', 'x', ' 3 ', '-0', 'Infinity'].map(
      (size) => list(object('m/x', size)),
    ),
    list(object('__proto__') + object('m/__proto__') + object('m/constructor')),
    list('<__proto__><x>1</x></__proto__><constructor/>'),
    list('<Contents/><Contents></Contents>'),
    list(object('%')),
    list(object('m/%00')),
    list(object('m/%C0%AE%C0%AE/x')),
    list(`<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>`),
    list(`${object(`m/${'x'.repeat(1_000_000)}`)}`),
    '<html><body>not here</body></html>',
    '{"a":1}',
    '',
    '\0',
    '<',
    `${head}<Error><Code>${'X'.repeat(100_000)}</Code><Message>\u001b[2J</Message></Error>`,
  ].map((text) => Buffer.from(text));
  const outcomes = await fuzz(
    fc.tuple(bytesOf(Buffer.from(valid), 2), fc.constantFrom(200, 200, 200, 200, 400, 403, 404)),
    async ([xml, status]) => {
      let pages = 0;
      answer = (request) => {
        if (request.startsWith('HEAD')) return { status: 404, headers: [], body: Buffer.alloc(0) };
        const prefix = decodeURIComponent(/[?&]prefix=([^& ]*)/.exec(request)?.[1] ?? '');
        // What looks for a single object is answered as asked: an object that does not begin with the prefix ends it at once.
        if (request.includes('list-type') && prefix !== 'm/')
          return {
            status: 200,
            headers: ['Content-Type: application/xml'],
            body: Buffer.from(list(object(prefix))),
          };
        if (request.includes('list-type'))
          return {
            status: pages++ > 5 ? 404 : status,
            headers: ['Content-Type: application/xml'],
            body: xml,
          };
        const missing = request.includes('.modelcars.json');
        if (missing)
          return {
            status: 404,
            headers: ['Content-Type: application/xml'],
            body: Buffer.from(`${head}<Error><Code>NoSuchKey</Code></Error>`),
          };
        return {
          status: 206,
          headers: ['Content-Range: bytes 0-2/3', 'Content-Length: 3', 'ETag: "e"'],
          body: Buffer.from('abc'),
        };
      };
      const source = s3Source({ S3_ENDPOINT_URL: `http://${host}` });
      const { files } = await source.resolve('s3://models/m', () => true);
      for (const { path, size, sha256: hash } of files) {
        expect(path.split('/')).not.toContain('..');
        expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
        expect(hash).toMatch(/^[0-9a-f]{64}$/);
      }
    },
    { runs: 200, always: traps.map((text) => () => [text, 200]) },
  );
  vi.unstubAllEnvs();
  expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(20);
});

it('headers and error bodies, by themselves: long ones as well', async () => {
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
