import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HubSource } from '../../scripts/sources/huggingface/source.ts';
import { s3Source } from '../../scripts/sources/s3/source.ts';
import { fuzz } from '../support/fuzz.ts';
import { bytesOf, hugeDocuments, jsonOf } from '../support/hostile-values.ts';
import { FuzzServer, line, local } from './_fuzz-server.ts';

const server = new FuzzServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

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

it('fuzzed hub responses give an exact snapshot or a refusal', { timeout: 200_000 }, async () => {
  const always = hugeDocuments.flatMap((huge) => [
    () => [huge(), Buffer.from('[]'), ''],
    () => [Buffer.from(JSON.stringify(info)), huge(), ''],
  ]);
  // To a regular expression, a list of one hash looks like the hash itself.
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
      server.answer = (request) => {
        const isTree = request.includes('/tree/');
        const next = isTree && link !== '' && pages++ < 3 ? [`Link: ${link}`] : [];
        return {
          status: 200,
          headers: ['Content-Type: application/json', ...next],
          body: isTree ? list : one,
        };
      };
      const source = new HubSource({
        env: { HF_ENDPOINT: `http://${server.host}`, HOME: '/nonexistent' },
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
  expect(Math.min(outcomes.accepted, outcomes.refused)).toBeGreaterThan(20);
});

it('fuzzed S3 XML gives an exact snapshot or a refusal', { timeout: 200_000 }, async () => {
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
      server.answer = (request) => {
        if (request.startsWith('HEAD')) return { status: 404, headers: [], body: Buffer.alloc(0) };
        const prefix = decodeURIComponent(/[?&]prefix=([^& ]*)/.exec(request)?.[1] ?? '');
        // A listing for a single object returns a matching object: one outside the prefix would end the run at once.
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
      const source = s3Source({ S3_ENDPOINT_URL: `http://${server.host}` });
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
  expect(Math.min(outcomes.accepted, outcomes.refused)).toBeGreaterThan(20);
});
