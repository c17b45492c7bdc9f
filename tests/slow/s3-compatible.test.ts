import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { uploadFile } from '../../scripts/cache/upload.ts';
import { s3Access } from '../../scripts/sources/s3/access.ts';
import { Bucket } from '../../scripts/sources/s3/bucket.ts';
import { modelcars, noise } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { type S3Server, startS3 } from '../parts/s3.ts';
import type { Fault } from '../parts/s3faults.ts';

const missing = await missingParts('versitygw');
const weights = noise(9_000_000, 1);
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const always = 1_000_000;
const isListing = ({ path }: { path: string }) => path.includes('prefix=');
const isLoose = ({ headers }: { headers: IncomingHttpHeaders }) =>
  headers['if-match'] !== undefined && !headers['if-match'].startsWith('"');
const isChecksum = (name: string) =>
  name.startsWith('x-amz-checksum-') || name.startsWith('x-amz-sdk-checksum');

const unescaped = (xml: string) =>
  xml
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll(/&#34;|&quot;/g, '"')
    .replaceAll('&amp;', '&');
const formEncoded = (key: string) => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');

/** What other stores do differently from Amazon: the answers of versitygw, changed on the way. */
const stores: [name: string, faults: Fault[]][] = [
  [
    'no ListObjectsV2 (older Ceph, Google until 2022): every listing is of the first version',
    [
      {
        match: isListing,
        rewrite: (text) =>
          text.replace(/<(NextContinuationToken|KeyCount|ContinuationToken)>[^<]*<\/\1>/g, ''),
      },
    ],
  ],
  [
    'XML without a namespace and declaration, ETags without quotes',
    [
      {
        match: isListing,
        rewrite: (text) =>
          text
            .replace(/<\?xml[^>]*\?>\s*/, '')
            .replace(/ xmlns="[^"]*"/, '')
            .replaceAll(/&#34;|&quot;/g, '')
            .replaceAll(/<ETag>"([^<]*)"<\/ETag>/g, '<ETag>$1</ETag>'),
      },
    ],
  ],
  [
    // The test's server is one of those that ignore the wish for it.
    'keys in the form encoding, as Amazon has them',
    [
      {
        match: isListing,
        rewrite: (text) =>
          text
            .replaceAll(
              /<Key>([^<]*)<\/Key>/g,
              (_, key: string) => `<Key>${formEncoded(unescaped(key))}</Key>`,
            )
            .replace('<EncodingType></EncodingType>', '<EncodingType>url</EncodingType>'),
      },
    ],
  ],
  [
    'no checksums (Backblaze B2): 400 to a HEAD that asks for one',
    [
      {
        match: ({ headers }) => headers['x-amz-checksum-mode'] !== undefined,
        answer: { status: 400, code: 'InvalidArgument' },
      },
    ],
  ],
];

describe.skipIf(missing)('a store that is not Amazon', () => {
  let s3: S3Server;
  let folder: string;
  const names = ['a b+c%41.txt', 'ü&<>.json', 'deep/config.json'];
  beforeAll(async () => {
    s3 = await startS3();
    folder = await mkdtemp(join(tmpdir(), 'modelcars-s3c-'));
    await s3.put('models', 'iris/model.joblib', weights);
    for (const name of names) await s3.put('models', `iris/${name}`, name);
    const many = Array.from({ length: 1005 }, (_, n) => `n${n}`);
    for (let at = 0; at < many.length; at += 50)
      await Promise.all(many.slice(at, at + 50).map((name) => s3.put('models', `iris/z/${name}`, name)));
    await writeFile(
      join(folder, 'models.yaml'),
      `defaults: {base: embedded, platforms: [linux/amd64]}\nmodels:\n  - name: m\n    framework: sklearn\n    source: s3://models/iris\n    include: ["**"]\n    version: v1.0.0\n`,
    );
  });
  afterEach(() => s3.calm());
  afterAll(async () => {
    await s3?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test.each(stores)('%s', async (_, faults) => {
    // RFC 9110: an ETag in `If-Match` is in quotes; the test's server is lenient.
    s3.fault({ match: isLoose, answer: { status: 412, code: 'PreconditionFailed' }, times: always });
    const used = faults.map((fault) => s3.fault({ ...fault, times: always }));
    await modelcars(['lock', '--upgrade'], { cwd: folder, env: s3.env() });
    for (const count of used) expect(count()).toBeGreaterThan(0);
    const text = await readFile(join(folder, 'models.lock.yaml'), 'utf8');
    expect(text.match(/- path:/g)).toHaveLength(1005 + 1 + names.length);
    for (const bytes of [weights, ...names, 'n0', 'n1004']) expect(text).toContain(sha256(bytes));
  });

  test.each([
    ['501 (Cloudflare R2)', '127.0.0.1', { status: 501, code: 'NotImplemented' }],
    ['400 (Backblaze B2)', 'localhost', { status: 400, code: 'InvalidArgument' }],
  ])('a cache is filled without checksums where they are answered with %s', async (_, host, answer) => {
    for (const [name, value] of Object.entries(s3.env())) vi.stubEnv(name, value);
    // Another name for the same server, since the process remembers what each endpoint knows.
    const endpoint = s3.endpoint.replace('127.0.0.1', host);
    const bucket = await Bucket.open('models', s3Access({ S3_ENDPOINT_URL: endpoint }));
    const refused = s3.fault({
      match: ({ headers }) => Object.keys(headers).some(isChecksum),
      answer: { ...answer, message: "Unsupported header 'x-amz-sdk-checksum-algorithm' received" },
      times: always,
    });
    const key = `cache-${answer.status}/model.bin`;
    const upload = {
      key,
      file: { path: 'model.bin', size: weights.length, sha256: sha256(weights) },
      async *open() {
        yield weights;
      },
      parts: 1,
      signal: new AbortController().signal,
      onBytes() {},
    };
    expect(await uploadFile(bucket, upload)).toMatchObject({
      size: weights.length,
      claimed: sha256(weights),
    });
    expect(refused()).toBe(1);
    await bucket.writeSmall(`${key}.json`, '{}');
    expect(refused()).toBe(1);
    vi.unstubAllEnvs();
  });
});
