import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreFiles } from './files.ts';

let folder: string;
let files: StoreFiles;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-files-'));
  files = new StoreFiles(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const content = randomBytes(300_000);
const file = {
  path: 'w.bin',
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};
const part = () => `${files.path(file.sha256)}.part`;

/** An origin that returns `bytes` in small chunks and records the requested offsets. */
function origin(bytes: Uint8Array = content, options: { breakAt?: number; pause?: number } = {}) {
  const asked: number[] = [];
  const open = async function* (offset: number): AsyncGenerator<Uint8Array> {
    asked.push(offset);
    for (let at = offset; at < bytes.length; at += 10_000) {
      if (options.breakAt !== undefined && at >= options.breakAt) throw new Error('connection reset');
      if (options.pause) await sleep(options.pause);
      yield bytes.subarray(at, at + 10_000);
    }
  };
  return { open, asked };
}

async function collect(stream: AsyncIterable<Uint8Array>, atMost = Number.POSITIVE_INFINITY) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= atMost) break;
  }
  return Buffer.concat(chunks);
}

async function whole(): Promise<Buffer | undefined> {
  const stream = await files.open(file);
  return stream && collect(stream);
}

/** The names in a kept file's folder. */
async function names(): Promise<string[]> {
  return (await readdir(dirname(part()))).sort();
}

describe('keep', () => {
  it('passes on the bytes and keeps them, private to the user', async () => {
    const { open } = origin();
    expect(await collect(files.keep(file, open))).toEqual(content);
    expect(await whole()).toEqual(content);
    const { mode } = await stat(files.path(file.sha256));
    expect(mode & 0o777).toBe(0o400);
    expect((await stat(dirname(part()))).mode & 0o777).toBe(0o700);
    expect(await names()).toEqual([file.sha256.slice(2)]);
    expect(files.path(file.sha256)).toBe(
      join(folder, 'files/sha256', file.sha256.slice(0, 2), file.sha256.slice(2)),
    );
  });

  it('has the file before the last chunk has gone out', async () => {
    let seen = 0;
    for await (const chunk of files.keep(file, origin().open)) {
      seen += chunk.length;
      expect(await files.has(file)).toBe(seen === file.size);
    }
  });

  it('requests nothing that it already has', async () => {
    await collect(files.keep(file, origin().open));
    const { open, asked } = origin();
    const found: number[] = [];
    const again = files.keep(file, open, { offset: 123, onFound: (bytes) => found.push(bytes) });
    expect(await collect(again)).toEqual(content.subarray(123));
    expect({ asked, found }).toEqual({ asked: [], found: [file.size] });
  });

  it('resumes where the connection broke', async () => {
    await expect(collect(files.keep(file, origin(content, { breakAt: 120_000 }).open))).rejects.toThrow(
      'connection reset',
    );
    expect((await stat(part())).size).toBe(120_000);
    expect(await files.lacks(file)).toBe(file.size - 120_000);
    expect(await files.open(file)).toBeUndefined();
    const { open, asked } = origin();
    expect(await collect(files.keep(file, open))).toEqual(content);
    expect(asked).toEqual([120_000]);
    expect(await whole()).toEqual(content);
  });

  it('resumes where the reader stopped, for any requested offset', async () => {
    for (const offset of [0, 50_000, 150_000, file.size]) {
      await rm(join(folder, 'files'), { recursive: true, force: true });
      await collect(files.keep(file, origin().open), 100_000);
      const { open, asked } = origin();
      expect(await collect(files.keep(file, open, { offset }))).toEqual(content.subarray(offset));
      expect(asked).toEqual([100_000]);
      expect(await whole()).toEqual(content);
    }
  });

  it('needs no origin for a complete partial file of a killed process', async () => {
    await mkdir(dirname(part()), { recursive: true });
    await writeFile(part(), content);
    const { open, asked } = origin();
    expect(await collect(files.keep(file, open))).toEqual(content);
    expect(asked).toEqual([]);
    expect(await names()).toEqual([file.sha256.slice(2)]);
  });

  it.each([
    ['a flipped bit', (bytes: Buffer) => bytes.fill(bytes.readUInt8(9) ^ 1, 9, 10)],
    ['zeros, as after a power failure', (bytes: Buffer) => bytes.fill(0, 50_000)],
  ])(
    'detects %s in a partial file before the last chunk, deletes it, and then reads correctly',
    async (_, harm) => {
      await mkdir(dirname(part()), { recursive: true });
      await writeFile(part(), harm(Buffer.from(content.subarray(0, 100_000))));
      let given = 0;
      const reading = (async () => {
        for await (const chunk of files.keep(file, origin().open)) given += chunk.length;
      })();
      await expect(reading).rejects.toMatchObject({ code: 'integrity', file });
      expect(given).toBeLessThan(file.size);
      expect(await names()).toEqual([]);
      const { open, asked } = origin();
      expect(await collect(files.keep(file, open))).toEqual(content);
      expect(asked).toEqual([0]);
    },
  );

  it('restarts when the partial file is larger than the file', async () => {
    await mkdir(dirname(part()), { recursive: true });
    await writeFile(part(), Buffer.concat([content, content]));
    const { open, asked } = origin();
    expect(await collect(files.keep(file, open))).toEqual(content);
    expect(asked).toEqual([0]);
    expect(await whole()).toEqual(content);
  });

  it.each([
    ['wrong', Buffer.from(content).fill(1, 7, 8), 'has sha256'],
    ['too long', Buffer.concat([content.subarray(0, -1), Buffer.from('xy')]), 'has more than'],
    ['too short', content.subarray(0, -1), 'ended after'],
  ])('never keeps a file that arrives %s', async (_, bytes, words) => {
    const open = async function* (offset: number) {
      for (let at = offset; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000);
    };
    await expect(collect(files.keep(file, open))).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining(`w.bin: it ${words}`),
    });
    expect(await files.has(file)).toBe(false);
    expect(await files.open(file)).toBeUndefined();
  });

  it('keeps an empty file', async () => {
    const empty = { path: 'e', size: 0, sha256: createHash('sha256').digest('hex') };
    expect(await collect(files.keep(empty, origin(Buffer.alloc(0)).open))).toHaveLength(0);
    expect(await files.has(empty)).toBe(true);
  });

  it('lets one reader fetch a file while others wait for it', async () => {
    const { open, asked } = origin(content, { pause: 10 });
    let waits = 0;
    const readings = [0, 10, 200_000].map((offset) =>
      collect(new StoreFiles(folder).keep(file, open, { offset, onWait: () => waits++ })),
    );
    const results = await Promise.all(readings);
    expect(results.map((bytes) => bytes.length)).toEqual([file.size, file.size - 10, file.size - 200_000]);
    for (const bytes of results) expect(bytes).toEqual(content.subarray(file.size - bytes.length));
    expect(asked).toEqual([0]);
    expect(waits).toBe(2);
  });

  it('takes over from a reader that stops half-way', async () => {
    const before = origin(content, { pause: 10 });
    const first = collect(files.keep(file, before.open), 100_000);
    await vi.waitFor(() => expect(before.asked).toEqual([0]), 10_000);
    const { open, asked } = origin();
    expect(await collect(files.keep(file, open))).toEqual(content);
    expect(asked).toEqual([100_000]);
    await first;
  });

  it('stops waiting on abort', async () => {
    const slow = files.keep(file, origin(content, { pause: 100 }).open);
    await slow.next();
    const stop = new AbortController();
    const waiting = collect(
      files.keep(file, origin().open, { signal: stop.signal, onWait: () => stop.abort() }),
    );
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await slow.return(undefined);
  });

  it('takes the lock of a killed process after two seconds, of an unknown process after ten', async () => {
    const path = files.path(file.sha256);
    await mkdir(`${path}.lock`, { recursive: true });
    const ago = (seconds: number) =>
      utimes(`${path}.lock`, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds);
    const stop = AbortSignal.timeout(700);
    const attempt = () => collect(files.keep(file, origin().open, { signal: stop }));
    await ago(5);
    await expect(attempt()).rejects.toMatchObject({ code: 'cancelled' });
    const dead = execFileSync(process.execPath, ['-p', 'process.pid']).toString().trim();
    await writeFile(`${path}.owner`, `${dead} ${hostname()}`);
    await ago(5);
    expect(await collect(files.keep(file, origin().open))).toEqual(content);
  });

  it('fails with code `disk` when it cannot write', async () => {
    await writeFile(join(folder, 'files'), 'in the way');
    await expect(collect(files.keep(file, origin().open))).rejects.toMatchObject({ code: 'disk' });
  });
});

describe('open', () => {
  it('does not return a file of another size, and deletes one on request', async () => {
    await collect(files.keep(file, origin().open));
    expect(await files.open({ ...file, size: 5 })).toBeUndefined();
    await files.forget(file);
    expect(await files.has(file)).toBe(false);
  });

  it('marks the file as in use while it is read, and updates its access time', async () => {
    await collect(files.keep(file, origin().open));
    const path = files.path(file.sha256);
    await chmod(path, 0o600);
    await utimes(path, 1000, 1000);
    const stream = (await files.open(file))?.[Symbol.asyncIterator]();
    await stream?.next();
    expect((await names()).some((name) => name.includes(`.use-${process.pid}-`))).toBe(true);
    expect(Date.now() - (await stat(path)).atimeMs).toBeLessThan(60_000);
    expect((await stat(path)).mtimeMs).toBe(1_000_000);
    await stream?.return?.();
    expect(await names()).toEqual([file.sha256.slice(2)]);
    expect(await readFile(path)).toEqual(content);
  });
});
