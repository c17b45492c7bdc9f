import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect } from 'vitest';
import type { LockedFile } from '../../scripts/model/types.ts';
import { OciSource } from '../../scripts/sources/oci/source.ts';
import type { FileTap } from '../../scripts/sources/types.ts';
import { type FakeRegistry, startFake } from './fake-registry.ts';

export const hash = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
/** The registry, and the source that reads from it: new ones for each test. */
export let fake: FakeRegistry;
export let source: OciSource;
let breaks = 0;

/** A file larger than what one request reads. */
export const noise = randomBytes(6 * 1024 ** 2);

/** How many connections are still to break. */
export const breaksLeft = (): number => breaks;

/** Breaks the connections of the next requests for blobs. */
export function breakConnections(times: number): void {
  breaks = times;
}

/** Another source of the same registry, as in a fresh process. */
export async function renewSource(mirrors = {}): Promise<void> {
  await source.close();
  source = newSource(mirrors);
}

/** Call once at the top of a test file. */
export function useOciRegistry(): void {
  beforeEach(async () => {
    breaks = 0;
    fake = await startFake({
      intercept(request, response) {
        if (breaks === 0 || request.method !== 'GET' || !request.url?.includes('/blobs/')) return false;
        breaks--;
        const blob = [...fake.blobs].find(([key]) => request.url?.endsWith(key.split(' ')[1] ?? '?'))?.[1];
        const start = Number(/^bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
        response.writeHead(start > 0 ? 206 : 200, {
          'content-length': (blob?.length ?? 0) - start,
          'content-range': `bytes ${start}-${(blob?.length ?? 0) - 1}/${blob?.length}`,
        });
        response.write(blob?.subarray(start, start + 100_000), () =>
          setTimeout(() => response.destroy(), 20),
        );
        return true;
      },
    });
    source = newSource();
  });
  afterEach(async () => {
    await source.close();
    await fake[Symbol.asyncDispose]();
  });
}

export const newSource = (mirrors = {}): OciSource =>
  new OciSource({ directory: '/', env: { HOME: '/nonexistent' }, retry: { delay: 1 }, mirrors });
export const uri = (tag = 'v1', name = 'm'): string => `oci://${fake.host}/${name}:${tag}`;
export const all = () => true;
export const resolve = (which = uri(), tap?: FileTap) => source.resolve(which, all, undefined, tap);
export async function read(which: string, revision: string, file: LockedFile, offset = 0): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source.open(which, revision, file, offset)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
export const file = (path: string, bytes: Uint8Array | string): LockedFile => ({
  path,
  size: Buffer.byteLength(bytes),
  sha256: hash(bytes),
});
/** Resolves, and reads every file again, whole and from its middle, also in a fresh process. */
export async function expectFiles(
  files: Record<string, Uint8Array | string>,
  which = uri(),
): Promise<string> {
  const snapshot = await resolve(which);
  expect(snapshot.files).toEqual(Object.entries(files).map(([path, bytes]) => file(path, bytes)));
  await source.close();
  source = newSource();
  for (const locked of snapshot.files) {
    const bytes = Buffer.from(files[locked.path] ?? '');
    const half = Math.floor(bytes.length / 2);
    expect((await read(which, snapshot.revision, locked)).equals(bytes), locked.path).toBe(true);
    expect((await read(which, snapshot.revision, locked, half)).equals(bytes.subarray(half))).toBe(true);
  }
  return snapshot.revision;
}
