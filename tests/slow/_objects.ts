/** What the tests of stores have in common: a catalog of one model, and tests that every object store passes. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';
import type { Fault, S3Request } from '../parts/s3faults.ts';

/** Several ranges, so that a break hits one of them. */
export const weights = noise(20_000_000, 1);

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Writes a models.yaml into `folder` with one model from this source, `m`. */
export async function writeCatalog(folder: string, source: string, more = ''): Promise<void> {
  await writeFile(
    join(folder, 'models.yaml'),
    `defaults: {base: embedded, platforms: [linux/amd64]}\nmodels:\n  - name: m\n    framework: sklearn\n    source: ${source}\n    include: ["**"]\n    version: v1.0.0\n${more}`,
  );
}

/** The lock beside that catalog. */
export function readLockText(folder: string): Promise<string> {
  return readFile(join(folder, 'models.lock.yaml'), 'utf8');
}

/** A store with the objects of `fill` in its bucket or container `models`. */
export interface TestedStore {
  put(key: string, content: string | Uint8Array): Promise<void>;
  env(): Record<string, string | undefined>;
  requests(): S3Request[];
  fault(fault: Fault): () => number;
  calm(): void;
}

/** Puts a model, and another whose name begins the same. */
export async function fill(store: Pick<TestedStore, 'put'>): Promise<void> {
  await store.put('iris/model.joblib', weights);
  await store.put('iris/deep/config.json', '{}');
  await store.put('iris-2/model.joblib', 'a neighbour whose name begins the same');
}

/** The tests that every object store passes. `uri` is that of its bucket, `page` one of `iris` as people paste it. */
export function testObjectStore(
  opened: () => { store: TestedStore; folder: string },
  {
    uri,
    page,
    isRead,
    rangeHeader,
  }: { uri: string; page: string; isRead(request: S3Request): boolean; rangeHeader: string },
): void {
  const settings = () => ({ cwd: opened().folder, env: opened().store.env() });
  const catalog = (source: string, more?: string) => writeCatalog(opened().folder, source, more);
  const locked = () => readLockText(opened().folder);

  test('a prefix locks exactly the objects below it; build and verify succeed', async () => {
    await catalog(`${uri}/iris`);
    await modelcars(['lock'], settings());
    const text = await locked();
    expect(text).toContain(`- path: deep/config.json\n        size: 2\n        sha256: ${sha256('{}')}`);
    expect(text).toContain(
      `- path: model.joblib\n        size: 20000000\n        sha256: ${sha256(weights)}`,
    );
    expect(text.match(/- path:/g)).toHaveLength(2);
    await modelcars(['build', '--unsafe-files', 'allow', '--frozen'], settings());
    await modelcars(['verify', '--unsafe-files', 'allow'], settings());
  });

  test('one object, one object of `files:`, names that URLs must escape, and `add`', async () => {
    await opened().store.put('legal/v2/a b+c%41 ü?#.txt', 'as you like it');
    await catalog(`${uri}/iris/model.joblib`, `    files: {LICENSE: "${uri}/legal/v2/"}\n`);
    await modelcars(['lock'], settings());
    expect(await locked()).toContain(
      `- path: LICENSE\n        size: 14\n        sha256: ${sha256('as you like it')}`,
    );
    await modelcars(['build', '--unsafe-files', 'allow', '--frozen', '-o', 'single'], settings());
    await modelcars(['add', page, '--no-lock'], settings());
    expect(await readFile(join(opened().folder, 'models.yaml'), 'utf8')).toMatch(
      new RegExp(`framework: sklearn\\n\\s+source: ${uri}/iris\\n`),
    );
  });

  test('broken connections and 503 answers are retried; bytes that arrived are not asked for again', async () => {
    const { store } = opened();
    await catalog(`${uri}/iris`);
    await modelcars(['lock'], settings());
    const broken = store.fault({ breakAfter: 1_000_000, times: 3, match: isRead });
    const slow = store.fault({ answer: { status: 503, code: 'backendError' }, times: 3 });
    const before = store.requests().length;
    await modelcars(['build', '--unsafe-files', 'allow', '--frozen', '-o', 'resumed'], settings());
    expect([broken(), slow()]).toEqual([3, 3]);
    await modelcars(['verify', '--unsafe-files', 'allow', '--layout', 'resumed'], settings());
    expect(resumed(store.requests().slice(before).filter(isRead), rangeHeader)).toBe(3);
  });

  test('a corrupted byte and a replaced object never become an image', async () => {
    const { store } = opened();
    await catalog(`${uri}/iris`);
    await modelcars(['lock'], settings());
    store.fault({ flipAfter: 5000, match: isRead, times: 1000 });
    const wrong = await tryModelcars(
      ['build', '--unsafe-files', 'allow', '--frozen', '-o', 'wrong'],
      settings(),
    );
    store.calm();
    expect(wrong.stderr).toMatch(/read model\.joblib: it has sha256 [0-9a-f]{64}, the lock has/);
    await store.put('iris/model.joblib', 'shorter');
    const shorter = await tryModelcars(
      ['build', '--unsafe-files', 'allow', '--frozen', '-o', 'shorter'],
      settings(),
    );
    expect(shorter.stderr).toContain(
      `read model.joblib of ${uri}/iris: it has 7 bytes, the lock has 20000000`,
    );
    expect(shorter.stderr).toMatch(/next: run `modelcars lock --upgrade \w+` if the change is meant/);
    await store.put('iris/model.joblib', weights);
  });
}

/** How many requested ranges repeat a requested end with a later start: the bytes that arrived are not asked for again. */
export function resumed(requests: readonly S3Request[], rangeHeader = 'range'): number {
  const asked = requests.map(
    ({ headers }) => /^bytes=(\d+)-(\d+)$/.exec(String(headers[rangeHeader]))?.slice(1) ?? [],
  );
  const again = asked.filter(([start, end]) =>
    asked.some(([first, last]) => last === end && Number(first) + 900_000 < Number(start)),
  );
  return again.length;
}
