import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultRetry } from '../../scripts/http/retry.ts';
import { Transport } from '../../scripts/http/transport.ts';
import { GsBucket } from '../../scripts/sources/gs/bucket.ts';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { type GcsServer, startGcs } from '../parts/gcs.ts';
import { missingParts } from '../parts/parts.ts';

const missing = await missingParts('fake-gcs-server');
/** Several ranges, so that a break hits one of them. */
const weights = noise(20_000_000, 1);
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

describe.skipIf(missing)('models in Google Cloud Storage', () => {
  let gcs: GcsServer;
  let folder: string;
  beforeAll(async () => {
    gcs = await startGcs();
    folder = await mkdtemp(join(tmpdir(), 'modelcars-gcs-'));
    await gcs.put('models', 'iris/model.joblib', weights);
    await gcs.put('models', 'iris/deep/config.json', '{}');
    await gcs.put('models', 'iris/folder/', '');
    await gcs.put('models', 'iris-2/model.joblib', 'a neighbour whose name begins the same');
  });
  afterAll(async () => {
    await gcs?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  const catalog = (source: string, more = ''): Promise<void> =>
    writeFile(
      join(folder, 'models.yaml'),
      `defaults: {base: embedded, platforms: [linux/amd64]}\nmodels:\n  - name: m\n    framework: sklearn\n    source: ${source}\n    include: ["**"]\n    version: v1.0.0\n${more}`,
    );
  const settings = () => ({ cwd: folder, env: { STORAGE_EMULATOR_HOST: gcs.url } });
  const locked = (): Promise<string> => readFile(join(folder, 'models.lock.yaml'), 'utf8');
  const isRead = ({ path }: { path: string }) => path.includes('model.joblib') && path.includes('alt=media');

  test('a prefix locks exactly the objects below it; build and verify succeed', async () => {
    await catalog('gs://models/iris');
    await modelcars(['lock'], settings());
    const text = await locked();
    expect(text).toContain(`- path: deep/config.json\n        size: 2\n        sha256: ${sha256('{}')}`);
    expect(text).toContain(
      `- path: model.joblib\n        size: 20000000\n        sha256: ${sha256(weights)}`,
    );
    expect(text.match(/- path:/g)).toHaveLength(2);
    await modelcars(['build', '--frozen'], settings());
    await modelcars(['verify'], settings());
  });

  test('one object, one object of `files:`, names that URLs must escape, and `add`', async () => {
    await gcs.put('models', 'legal/v2/a b+c%41 ü?#.txt', 'as you like it');
    await catalog('gs://models/iris/model.joblib', '    files: {LICENSE: "gs://models/legal/v2/"}\n');
    await modelcars(['lock'], settings());
    expect(await locked()).toContain(
      `- path: LICENSE\n        size: 14\n        sha256: ${sha256('as you like it')}`,
    );
    await modelcars(['build', '--frozen', '-o', 'single'], settings());
    await modelcars(
      ['add', 'https://console.cloud.google.com/storage/browser/models/iris;tab=objects', '--no-lock'],
      settings(),
    );
    expect(await readFile(join(folder, 'models.yaml'), 'utf8')).toMatch(
      /framework: sklearn\n\s+source: gs:\/\/models\/iris\n/,
    );
  });

  test('broken connections and 503 answers are retried; bytes that arrived are not asked for again', async () => {
    await catalog('gs://models/iris');
    await modelcars(['lock'], settings());
    const broken = gcs.fault({ breakAfter: 1_000_000, times: 3, match: isRead });
    const slow = gcs.fault({ answer: { status: 503, code: 'backendError' }, times: 3 });
    const before = gcs.requests().length;
    await modelcars(['build', '--frozen', '-o', 'resumed'], settings());
    expect([broken(), slow()]).toEqual([3, 3]);
    await modelcars(['verify', '-o', 'resumed'], settings());
    const ranges = gcs.requests().slice(before).filter(isRead);
    const asked = ranges.map(
      ({ headers }) => /^bytes=(\d+)-(\d+)$/.exec(String(headers.range))?.slice(1) ?? [],
    );
    const again = asked.filter(([start, end]) =>
      asked.some(([first, last]) => last === end && Number(first) + 900_000 < Number(start)),
    );
    expect(again.length).toBe(3);
  });

  test('a corrupted byte and a replaced object never become an image', async () => {
    await catalog('gs://models/iris');
    await modelcars(['lock'], settings());
    gcs.fault({ flipAfter: 5000, match: isRead, times: 1000 });
    const wrong = await tryModelcars(['build', '--frozen', '-o', 'wrong'], settings());
    gcs.calm();
    expect(wrong.stderr).toMatch(/read model\.joblib: it has sha256 [0-9a-f]{64}, the lock has/);
    await gcs.put('models', 'iris/model.joblib', 'shorter');
    const shorter = await tryModelcars(['build', '--frozen', '-o', 'shorter'], settings());
    expect(shorter.stderr).toMatch(
      /read model\.joblib of gs:\/\/models\/iris: it has 7 bytes, the lock has 20000000/,
    );
    expect(shorter.stderr).toMatch(/next: run `modelcars lock --upgrade \w+` if the change is meant/);
    await gcs.put('models', 'iris/model.joblib', weights);
  });

  test('an object replaced while it is read is noticed by its generation', async () => {
    const transport = new Transport({ env: {} });
    const bucket = new GsBucket('models', {
      endpoint: new URL(gcs.url),
      transport,
      retry: defaultRetry,
      account: async () => ({ name: 'nobody' }),
    });
    await gcs.put('models', 'replaced.bin', noise(1000, 1));
    const object = await bucket.head('replaced.bin');
    expect(object).toMatchObject({ size: 1000, version: expect.stringMatching(/^\d+$/) });
    await gcs.put('models', 'replaced.bin', noise(1000, 2));
    const read = async () => {
      if (object) for await (const _ of bucket.read(object, 0, 1000));
    };
    await expect(read()).rejects.toMatchObject({
      code: 'integrity',
      message: 'read gs://models/replaced.bin: it changed on the server while it was read',
    });
    await transport.close();
  });

  test.each([
    ['gs://nothing-of-the-kind/x', undefined, /127\.0\.0\.1:\d+ has no bucket nothing-of-the-kind/],
    ['gs://models/nothing-here', undefined, /no object has this name, and none is below it/],
    [
      'gs://models/iris',
      { status: 403, code: 'forbidden' },
      /denies access to a request without an account, and no Google credentials were found/,
    ],
  ])('reports the problem and the next step: %s %j', async (source, answer, message) => {
    await catalog(source);
    if (answer) gcs.fault({ answer, times: 100 });
    const { code, stderr } = await tryModelcars(['lock', '--upgrade'], settings());
    gcs.calm();
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\nnext: /);
  });
});
