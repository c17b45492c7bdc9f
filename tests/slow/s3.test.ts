import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { s3Access } from '../../scripts/sources/s3/access.ts';
import { Bucket } from '../../scripts/sources/s3/bucket.ts';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import type { Result } from '../parts/run.ts';
import { type S3Server, startS3 } from '../parts/s3.ts';
import { fill, readLockText, resumed, sha256, weights, writeCatalog } from './_objects.ts';

const missing = await missingParts('versitygw');

describe.skipIf(missing)('models in S3', () => {
  let s3: S3Server;
  let folder: string;
  beforeAll(async () => {
    s3 = await startS3();
    folder = await mkdtemp(join(tmpdir(), 'modelcars-s3-'));
    await fill({ put: (key, content) => s3.put('models', key, content) });
    await s3.put('models', 'iris/folder/', '');
  });
  afterAll(async () => {
    await s3?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const catalog = (source: string, more?: string) => writeCatalog(folder, source, more);
  const settings = (env: Record<string, string | undefined> = {}) => ({
    cwd: folder,
    env: { ...s3.env(), ...env },
  });
  const lock = (env?: Record<string, string | undefined>): Promise<Result> =>
    tryModelcars(['lock', '--upgrade'], settings(env));
  const locked = () => readLockText(folder);

  test('a prefix locks exactly the objects below it; build and verify succeed', async () => {
    for (const source of ['s3://models/iris', 's3://models/iris/']) {
      await catalog(source);
      await modelcars(['lock'], settings());
      const text = await locked();
      expect(text).toContain(`- path: deep/config.json\n        size: 2\n        sha256: ${sha256('{}')}`);
      expect(text).toContain(
        `- path: model.joblib\n        size: 20000000\n        sha256: ${sha256(weights)}`,
      );
      expect(text.match(/- path:/g)).toHaveLength(2);
      expect(text).toMatch(/revision: sha256:[0-9a-f]{64}\n/);
    }
    await modelcars(['build', '--unsafe-files', 'allow', '--frozen'], settings());
    await modelcars(['verify', '--unsafe-files', 'allow'], settings());
  });

  test('one object becomes one file; an empty prefix is an error', async () => {
    await catalog('s3://models/iris/model.joblib', '    files: {LICENSE: "s3://models/legal/v2/text"}\n');
    await s3.put('models', 'legal/v2/text', 'as you like it');
    await modelcars(['lock'], settings());
    expect(await locked()).toContain(
      `- path: LICENSE\n        size: 14\n        sha256: ${sha256('as you like it')}`,
    );
    expect(await locked()).toContain(`- path: model.joblib\n        size: 20000000`);
    await modelcars(['build', '--unsafe-files', 'allow', '--frozen'], settings());

    await catalog('s3://models/nothing-here');
    const result = await lock();
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/read s3:\/\/models\/nothing-here: no object has this name/);
  });

  test('several pages of objects, with names that XML and URLs must escape', async () => {
    const names = ['a b+c%41.txt', 'ü☂&<>".json', 'model.joblib'];
    const many = Array.from({ length: 1005 }, (_, n) => `n${n}`);
    for (const name of names) await s3.put('models', `many/${name}`, name);
    for (let at = 0; at < many.length; at += 50)
      await Promise.all(many.slice(at, at + 50).map((name) => s3.put('models', `many/${name}`, name)));
    await catalog('s3://models/many');
    await modelcars(['lock'], settings());
    const text = await locked();
    for (const name of [...names, 'n0', 'n1004']) expect(text).toContain(sha256(name));
    expect(text.match(/- path:/g)).toHaveLength(1008);
  });

  test('an object with a full-object checksum is not read for its hash; others are read completely', async () => {
    const text = 'hashed by S3 '.repeat(300);
    const put = { Bucket: 'models', Body: text };
    await s3.client.putObject({ ...put, Key: 'hashed/model.joblib', ChecksumAlgorithm: 'SHA256' });
    await s3.client.putObject({ ...put, Key: 'hashed/other.txt' });
    await catalog('s3://models/hashed/');
    const before = s3.requests().length;
    await modelcars(['lock'], settings());
    const read = s3
      .requests()
      .slice(before)
      .filter(({ method, path }) => method === 'GET' && path.startsWith('/models/hashed/'))
      .map(({ path, headers }) => `${path.split('?')[0]} ${headers.range}`);
    // Whether it is a model, then which libraries made it: this text is short enough to be read for that.
    expect(read.sort()).toEqual([
      '/models/hashed/.modelcars.json undefined',
      '/models/hashed/model.joblib bytes=0-1',
      '/models/hashed/model.joblib bytes=0-1023',
      '/models/hashed/model.joblib bytes=0-3899',
      '/models/hashed/other.txt bytes=0-3899',
    ]);
    expect((await locked()).split(sha256(text))).toHaveLength(3);
  });

  test('broken connections and SlowDown responses are retried', async () => {
    await catalog('s3://models/iris');
    await modelcars(['lock'], settings());
    const isRead = ({ method, path }: { method: string; path: string }) =>
      method === 'GET' && path.includes('model.joblib');
    const broken = s3.fault({ breakAfter: 1_000_000, times: 3, match: isRead });
    const slow = s3.fault({ answer: { status: 503, code: 'SlowDown' }, times: 3 });
    const before = s3.requests().length;
    await modelcars(['build', '--unsafe-files', 'allow', '--frozen', '-o', 'resumed'], settings());
    expect([broken(), slow()]).toEqual([3, 3]);
    await modelcars(['verify', '--unsafe-files', 'allow', '--layout', 'resumed'], settings());
    expect(resumed(s3.requests().slice(before).filter(isRead))).toBe(3);
  });

  test('a corrupted byte and a replaced object never become an image', async () => {
    await catalog('s3://models/iris');
    await modelcars(['lock'], settings());
    const isRead = ({ method, path }: { method: string; path: string }) =>
      method === 'GET' && path.includes('model.joblib');
    const flipped = s3.fault({ flipAfter: 5000, match: isRead, times: 1000 });
    const wrong = await tryModelcars(
      ['build', '--unsafe-files', 'allow', '--frozen', '-o', 'wrong'],
      settings(),
    );
    s3.calm();
    expect(flipped()).toBeGreaterThan(0);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/read model\.joblib: it has sha256 [0-9a-f]{64}, the lock has/);

    await s3.put('models', 'iris/model.joblib', noise(20_000_000, 2));
    const replaced = await tryModelcars(
      ['build', '--unsafe-files', 'allow', '--frozen', '-o', 'replaced'],
      settings(),
    );
    expect(replaced.code).toBe(1);
    expect(replaced.stderr).toMatch(/model\.joblib.*sha256/);
    await s3.put('models', 'iris/model.joblib', 'shorter');
    const shorter = await tryModelcars(
      ['build', '--unsafe-files', 'allow', '--frozen', '-o', 'shorter'],
      settings(),
    );
    expect(shorter.stderr).toMatch(
      /read model\.joblib of s3:\/\/models\/iris: it has 7 bytes, the lock has 20000000/,
    );
    expect(shorter.stderr).toMatch(/next: run `modelcars lock --upgrade \w+` if the change is meant/);
    await s3.put('models', 'iris/model.joblib', weights);
  });

  test('an object replaced while it is read is noticed before its end', async () => {
    for (const [name, value] of Object.entries(s3.env())) vi.stubEnv(name, value);
    const bucket = await Bucket.open('models', s3Access({ S3_ENDPOINT_URL: s3.endpoint }));
    await s3.put('models', 'replaced.bin', noise(1000, 1));
    const info = await bucket.head('replaced.bin');
    expect(info).toMatchObject({ size: 1000 });
    await s3.put('models', 'replaced.bin', noise(1000, 2));
    const read = async () => {
      for await (const _ of bucket.read('replaced.bin', info ?? { size: 0, etag: '' })) {
      }
    };
    await expect(read()).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringMatching(/^read s3:\/\/models\/replaced\.bin: it changed on the server/),
    });
    vi.unstubAllEnvs();
  });

  describe('reports the problem and the next step:', () => {
    const cases: [
      name: string,
      expected: RegExp,
      next: RegExp,
      make: () => Record<string, string | undefined>,
    ][] = [
      ['no such bucket', /has no bucket nothing-of-the-kind/, /create the bucket/, () => ({})],
      [
        'a key that is not known',
        /does not know access key AKIA\*{4}0000/,
        /AWS_ACCESS_KEY_ID/,
        () => ({ AWS_ACCESS_KEY_ID: 'AKIA0000000000000000' }),
      ],
      [
        'a wrong secret',
        /rejected the signature of access key \S+: the secret key is wrong/,
        /AWS_SECRET_ACCESS_KEY/,
        () => ({ AWS_SECRET_ACCESS_KEY: 'wrongwrongwrongwrongwrong' }),
      ],
      [
        'another account',
        /denies access to access key AKIA\*{4}/,
        /s3:ListBucket and s3:GetObject/,
        () => s3.env(s3.stranger),
      ],
      [
        'no credentials',
        /no AWS credentials were found/,
        /credentials file/,
        () => ({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }),
      ],
      [
        'nobody there',
        /127\.0\.0\.1:9 refuses connections/,
        /S3_ENDPOINT_URL/,
        () => ({ S3_ENDPOINT_URL: 'http://127.0.0.1:9' }),
      ],
      [
        'no TLS',
        /does not speak TLS/,
        /http:\/\//,
        () => ({ S3_ENDPOINT_URL: s3.endpoint.replace('http:', 'https:') }),
      ],
    ];
    test.each(cases)('%s', async (name, expected, next, make) => {
      await catalog(name === 'no such bucket' ? 's3://nothing-of-the-kind/x' : 's3://models/iris');
      const { code, stderr } = await lock(make());
      expect(code).toBe(1);
      expect(stderr).toMatch(expected);
      expect(stderr).toMatch(/error: m: (list|read) s3:\/\//);
      expect(stderr.slice(stderr.indexOf('next: '))).toMatch(next);
    });

    test.each([
      [503, 'SlowDown', /still asks to slow down \(SlowDown\) after several tries/],
      [403, 'AccessDenied', /denies access to access key/],
      [403, 'RequestTimeTooSkewed', /the clock of this machine and that of \S+ differ/],
      [400, 'ExpiredToken', /rejected the session token of access key \S+ as expired/],
      [500, 'InternalError', /answered 500/],
    ])('%d %s, on every try', async (status, code, expected) => {
      await catalog('s3://models/iris');
      const counted = s3.fault({ answer: { status, code }, times: 100 });
      const result = await lock();
      expect(counted()).toBeGreaterThan(0);
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(expected);
      expect(result.stderr).toMatch(/\nnext: /);
      s3.calm();
    });
  });
});
