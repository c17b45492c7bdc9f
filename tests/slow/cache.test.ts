import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchSilently, modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';
import { type S3Server, startS3 } from '../parts/s3.ts';
import { manifestAt, objectBytes, openUploads, violationsIn } from '../parts/s3cache.ts';

const missing = await missingParts('versitygw');
/** Two multipart files, small ones, an empty one, one with a name that is awkward in URLs. */
const files = {
  'model.joblib': noise(26_000_000, 1),
  'shards/b.bin': noise(18_000_000, 2),
  'config.json': '{"a": 1}\n',
  'a b+c%41☂.txt': 'hard to name',
  'empty.txt': '',
};
const size = Object.values(files).reduce((sum, file) => sum + Buffer.byteLength(file), 0);

describe.skipIf(missing)('modelcars cache', () => {
  let s3: S3Server;
  let hub: Hub;
  let folder: string;
  beforeAll(async () => {
    s3 = await startS3();
    const names = ['one', 'moving', 'wrong', 'slow', 'twice', 'killed', 'kept'];
    hub = await startHub({ models: Object.fromEntries(names.map((name) => [`org/${name}`, { files }])) });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-cache-'));
  });
  afterEach(() => s3?.calm());
  afterAll(async () => {
    await hub?.stop();
    await s3?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** As in a container: configured by the environment alone. */
  const settings = (model: string, env: Record<string, string | undefined> = {}) => ({
    cwd: folder,
    env: {
      ...s3.env(),
      HF_ENDPOINT: hub.url,
      MODEL_NAME: `org/${model}`,
      S3_BUCKET: 'models',
      ...env,
    },
  });
  const at = (model: string): string => `models/org/${model}/`;
  const cdn = (): number => hub.requests().filter(({ part }) => part === 'cdn').length;
  const writes = (from: number): string[] =>
    s3
      .requests()
      .slice(from)
      .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
      .map(({ method, path }) => `${method} ${path}`);

  test('uploads all files of a model, the manifest last; the next run writes and downloads nothing', async () => {
    const result = await tryModelcars(['cache', '--json'], settings('one'));
    expect(result).toMatchObject({ code: 0 });
    // No SDK message on the terminal.
    expect(
      result.stderr
        .trim()
        .split('\n')
        .filter((line) => !/^(cache: s3|org\/one: )/.test(line)),
    ).toEqual([]);
    expect(JSON.parse(result.stdout)).toMatchObject({
      ok: true,
      models: [{ model: 'org/one', status: 'done', name: `s3://models/${at('one')}`, size, sent: size }],
    });
    expect(await violationsIn(s3, at('one'), files)).toEqual([]);
    expect(await manifestAt(s3, at('one'))).toMatchObject({ complete: true, revision: hub.sha('org/one') });
    const puts = writes(0).filter((line) => line.includes('/one/') && !line.includes('uploads'));
    expect(puts.at(-1)).toMatch(/^PUT .*\.modelcars\.json/);
    for (const path of Object.keys(files)) {
      const { Metadata } = await s3.client.headObject({ Bucket: 'models', Key: at('one') + path });
      expect(Metadata?.sha256, path).toMatch(/^[0-9a-f]{64}$/);
    }
    const [requests, downloads] = [s3.requests().length, cdn()];
    expect(await modelcars(['cache'], settings('one'))).toMatch(/unchanged/);
    expect(writes(requests)).toEqual([]);
    expect(cdn()).toBe(downloads);
  });

  test('sends large files in parts with a checksum each', () => {
    const parts = s3.requests().filter(({ method, path }) => method === 'PUT' && path.includes('partNumber'));
    expect(parts.length).toBe(4 + 3);
    for (const { headers } of parts) expect(headers['x-amz-checksum-sha256']).toMatch(/=$/);
  });

  test('two concurrent runs both succeed', async () => {
    const runs = [1, 2].map(() => tryModelcars(['cache'], settings('twice')));
    for (const { code, stderr } of await Promise.all(runs))
      expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(await violationsIn(s3, at('twice'), files)).toEqual([]);
    expect((await manifestAt(s3, at('twice')))?.complete).toBe(true);
  });

  test('follows the model to a new revision and deletes the files of the old one', async () => {
    await modelcars(['cache'], settings('moving'));
    const mine = { Bucket: 'models', Key: `${at('moving')}mine.txt` };
    await s3.put('models', mine.Key, 'not of the cache');
    await s3.client.createMultipartUpload(mine);
    const { 'shards/b.bin': _, ...rest } = files;
    const next = { ...rest, 'model.joblib': noise(26_000_000, 3) };
    await hub.commit('org/moving', next);
    const requests = s3.requests().length;
    await modelcars(['cache'], settings('moving'));
    expect(await violationsIn(s3, at('moving'), next)).toEqual([]);
    expect(await manifestAt(s3, at('moving'))).toMatchObject({ revision: hub.sha('org/moving') });
    expect(await objectBytes(s3, `${at('moving')}shards/b.bin`)).toBeUndefined();
    expect(await objectBytes(s3, mine.Key)).toBeDefined();
    expect(await openUploads(s3)).toContain(mine.Key);
    // Unchanged files were not sent again.
    expect(writes(requests).filter((line) => line.includes('config.json'))).toEqual([]);
  });

  test('wrong bytes from the hub are not stored', async () => {
    hub.fault({ on: 'cdn', path: /model\.joblib/, kind: 'wrong', after: 100 });
    const { code, stderr } = await tryModelcars(['cache'], settings('wrong'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/read model\.joblib of hf:\/\/org\/wrong: it has sha256 [0-9a-f]{64}, and/);
    expect(await objectBytes(s3, `${at('wrong')}model.joblib`)).toBeUndefined();
    expect((await manifestAt(s3, at('wrong')))?.complete).toBe(false);
    expect((await openUploads(s3)).filter((key) => key.includes('/wrong/'))).toEqual([]);
  });

  test('SlowDown and broken connections are retried', async () => {
    const isPart = ({ path }: { path: string }) => path.includes('partNumber');
    const slow = s3.fault({ answer: { status: 503, code: 'SlowDown' }, times: 4 });
    const broken = s3.fault({ breakAfter: 3_000_000, match: isPart, times: 3 });
    await modelcars(['cache'], settings('slow'));
    expect([slow(), broken()]).toEqual([4, 3]);
    expect(await violationsIn(s3, at('slow'), files)).toEqual([]);
    expect((await manifestAt(s3, at('slow')))?.complete).toBe(true);
  });

  test('a read-only bucket is reported before any download', async () => {
    const downloads = cdn();
    const denied = await tryModelcars(
      ['cache'],
      settings('one', { ...s3.env(s3.stranger), MODEL_NAME: 'org/one', S3_BUCKET: 'models' }),
    );
    expect(denied.code).toBe(1);
    const before = s3.requests().length;
    s3.fault({
      answer: { status: 403, code: 'AccessDenied' },
      times: 9,
      match: ({ method }) => method === 'PUT',
    });
    const { code, stderr } = await tryModelcars(['cache', '--prefix', 'other'], settings('one'));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error: write s3:\/\/models\/other\/org\/one\/\.modelcars\.json: \S+ denies access to access key/,
    );
    expect(stderr).toMatch(/next: .*s3:PutObject/);
    expect(writes(before).length).toBe(1);
    const absent = await tryModelcars(['cache', '--bucket', 'not-there'], settings('one'));
    expect(absent.stderr).toMatch(/has no bucket not-there\nnext: create the bucket/);
    expect(cdn()).toBe(downloads);
  });

  test('DOWNLOAD_DIR keeps complete downloads, which are not downloaded again', async () => {
    const env = { DOWNLOAD_DIR: join(folder, 'downloads') };
    s3.fault({
      answer: { status: 403, code: 'AccessDenied' },
      times: 99,
      match: ({ path }) => path.includes('uploads'),
    });
    expect((await tryModelcars(['cache'], settings('kept', env))).code).toBe(1);
    s3.calm();
    await modelcars(['cache'], settings('kept', env));
    expect(await violationsIn(s3, at('kept'), files)).toEqual([]);
    const downloads = cdn();
    await s3.client.deleteObject({ Bucket: 'models', Key: `${at('kept')}model.joblib` });
    await modelcars(['cache'], settings('kept', env));
    expect(await violationsIn(s3, at('kept'), files)).toEqual([]);
    expect(cdn()).toBe(downloads);
    expect((await readdir(env.DOWNLOAD_DIR)).sort()).toContain('files');
  });

  test('a run without the hub succeeds with a complete copy only', async () => {
    const gone = { HF_ENDPOINT: 'http://127.0.0.1:9' };
    const whole = await tryModelcars(['cache'], settings('one', gone));
    expect(whole.code).toBe(0);
    expect(whole.stderr).toMatch(/warning: .*127\.0\.0\.1:9 refuses connections.*using revision/);
    const wrong = await tryModelcars(['cache'], settings('wrong', gone));
    expect(wrong.code).toBe(1);
    const pinned = `org/one:${hub.sha('org/one')}`;
    const asked = await tryModelcars(['cache', '--model-name', pinned], settings('one', gone));
    expect(asked.code).toBe(1);
    await modelcars(['cache', '--model-name', pinned], settings('one'));
    expect(await modelcars(['cache', '--model-name', pinned], settings('one', gone))).toMatch(/unchanged/);
  });

  test.each([
    [{ MODEL_NAME: 'org/../../x' }, /read MODEL_NAME: expected `org\/name`/],
    [{ MODEL_NAME: 'no-organisation' }, /read MODEL_NAME/],
    [{ S3_BUCKET: 's3://models' }, /read S3_BUCKET: expected a bucket/],
    [{ S3_BUCKET: '' }, /cache needs a bucket/],
    [{ S3_PREFIX: 'a/../b' }, /read S3_PREFIX: expected a prefix/],
    [{ S3_ENDPOINT_URL: 'minio:9000' }, /read S3_ENDPOINT_URL: expected a URL/],
  ])('%j is wrong usage: exit code 2, before any request', async (env, expected) => {
    const before = s3.requests().length;
    const { code, stderr } = await tryModelcars(['cache'], settings('one', env));
    expect(code).toBe(2);
    expect(stderr).toMatch(expected);
    expect(stderr).toMatch(/\nnext: /);
    expect(s3.requests().length).toBe(before);
  });

  test('DISABLE_PROGRESS prints only the result', async () => {
    const { stdout, stderr } = await tryModelcars(['cache'], settings('one', { DISABLE_PROGRESS: 'true' }));
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^NAME/);
  });

  const rounds = 12;
  test(`a run killed at ${rounds} moments never claims what is not there; the next run completes it`, async () => {
    let killed = 0;
    for (let round = 0; round < rounds; round++) {
      const before = s3.requests().length;
      const { child, hasEnded, end } = launchSilently(['cache'], settings('killed'));
      // A run has some 30 requests; each round kills it a little later.
      while (!hasEnded() && s3.requests().length - before < 2 + round * 2) await sleep(2);
      await sleep(Math.random() * 20);
      if (child.kill('SIGKILL')) killed++;
      await end;
      expect(await violationsIn(s3, at('killed'), files), `round ${round}`).toEqual([]);
    }
    expect(killed).toBeGreaterThan(rounds / 2);
    await modelcars(['cache'], settings('killed'));
    expect((await manifestAt(s3, at('killed')))?.complete).toBe(true);
    expect(await violationsIn(s3, at('killed'), files)).toEqual([]);
    expect((await openUploads(s3)).filter((key) => key.includes('/killed/'))).toEqual([]);
  });
});
