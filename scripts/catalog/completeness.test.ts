import { describe, expect, it } from 'vitest';
import {
  externalTensor,
  field,
  onnxOf,
  pointer,
  safetensors,
  safetensorsOf,
} from '../../tests/support/model-files.ts';
import { CompletenessCheck, type OpenFile, type PlacedFile } from './completeness.ts';

const sha256 = '0'.repeat(64);

/** A source of these files that records its requests. */
function source(files: Record<string, Uint8Array>, chunk = 10_000) {
  const asked: { path: string; offset: number; end: number; given: number }[] = [];
  let most = 0;
  let open = 0;
  const opener: OpenFile = async function* ({ path }, offset, end) {
    const request = { path, offset, end, given: 0 };
    asked.push(request);
    most = Math.max(most, ++open);
    try {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const bytes = files[path] ?? Buffer.alloc(0);
      // Like a server without ranges, it also gives bytes after `end`.
      for (let at = offset; at < bytes.length; at += chunk) {
        const part = bytes.subarray(at, at + chunk);
        request.given += part.length;
        yield part;
      }
    } finally {
      open--;
    }
  };
  const placed: PlacedFile[] = Object.entries(files).map(([path, { length: size }]) => ({
    path,
    file: { path, size, sha256 },
  }));
  return { asked, opener, placed, parallel: () => most };
}

describe('files that were not inspected while hashed', () => {
  it('are inspected, safetensors only up to the header', async () => {
    const { asked, opener, placed } = source({ 'model.safetensors': safetensors(Buffer.alloc(5_000_000)) });
    expect(await new CompletenessCheck().check(placed, [], opener)).toBeUndefined();
    expect(asked).toEqual([{ path: 'model.safetensors', offset: 0, end: 128 * 1024, given: 10_000 }]);
  });

  it('are read further for a long header', async () => {
    const header = { __metadata__: { notes: 'x'.repeat(3_000_000) } };
    const { asked, opener, placed } = source({ 'model.safetensors': safetensorsOf(header, 7) }, 65_536);
    const found = await new CompletenessCheck().check(placed, [], opener);
    expect(found?.problem).toMatch(/bytes 0 to 6 of its data belong to no tensor/);
    expect(asked.map(({ offset }) => offset)).toEqual([0, 131_072, 1_179_648]);
  });

  it('are read up to a limit: inline weights of an ONNX graph are skipped a few times', async () => {
    const inline = (count: number) =>
      Array.from({ length: count }, () => field(5, field(9, Buffer.alloc(200_000))));
    const external = field(5, externalTensor({ location: 'w.data' }));
    const few = source({ 'm.onnx': onnxOf(...inline(5), external) }, 1000);
    expect((await new CompletenessCheck().check(few.placed, [], few.opener))?.missing).toBe('w.data');
    expect(few.asked.reduce((sum, { given }) => sum + given, 0)).toBeLessThan(20_000);
    const many = source({ 'm.onnx': onnxOf(...inline(100), external) }, 1000);
    expect(await new CompletenessCheck().check(many.placed, [], many.opener)).toBeUndefined();
    expect(many.asked).toHaveLength(24);
  });

  it('are read a few at a time, and not every small one without weights', async () => {
    const small = Object.fromEntries(Array.from({ length: 700 }, (_, at) => [`${at}.txt`, Buffer.from('x')]));
    const { asked, opener, placed, parallel } = source({
      ...small,
      'large.txt': Buffer.alloc(5000),
      'm.bin': Buffer.from('x'),
    });
    expect(await new CompletenessCheck().check(placed, [], opener)).toBeUndefined();
    expect(parallel()).toBeLessThanOrEqual(8);
    expect(asked).toHaveLength(501);
    expect(asked.map(({ path }) => path)).toContain('m.bin');
  });

  it('are not read when names and sizes suffice', async () => {
    const { asked, opener, placed } = source({
      'a-00001-of-00002.bin': Buffer.from('x'),
      'b.bin': Buffer.alloc(0),
    });
    expect(await new CompletenessCheck().check(placed, [], opener)).toEqual({
      path: 'b.bin',
      problem: 'is empty',
    });
    expect(asked).toEqual([]);
  });

  it('fail with the error of the source, without starting the rest', async () => {
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${at}.bin`, Buffer.from('x')]));
    const { placed, asked, opener } = source(files);
    const failing: OpenFile = async function* (...args) {
      if (args[0].path === '3.bin') throw new Error('no answer');
      yield* opener(...args);
    };
    await expect(new CompletenessCheck().check(placed, [], failing)).rejects.toThrow('no answer');
    expect(asked.length).toBeLessThan(20);
  });
});

describe('files that are hashed', () => {
  it('are inspected meanwhile, by their path in the image, and not read again', async () => {
    const wholeness = new CompletenessCheck();
    const seen: string[] = [];
    const tap = wholeness.tap(
      (path) => `1/${path}`,
      ({ path, size }) => ({
        update: (chunk) => void seen.push(`${path} ${size} ${chunk.length}`),
        end: async (digest) => void seen.push(digest),
      }),
    );
    const watcher = tap({ path: 'w.bin', size: pointer.length });
    for (const byte of Buffer.from(pointer)) watcher?.update(Buffer.of(byte));
    await watcher?.end(sha256);
    expect(seen).toEqual([...Array<string>(pointer.length).fill(`1/w.bin ${pointer.length} 1`), sha256]);
    const { asked, opener } = source({});
    const placed = [{ path: '1/w.bin', file: { path: 'w.bin', size: pointer.length, sha256 } }];
    const problem = 'is a Git LFS pointer, not the file';
    expect(await wholeness.check(placed, [], opener)).toEqual({ path: '1/w.bin', problem, isPointer: true });
    expect(asked).toEqual([]);
  });

  it('are judged by the last read when a source restarts', async () => {
    const wholeness = new CompletenessCheck();
    const tap = wholeness.tap((path) => path);
    const bytes = safetensors(Buffer.alloc(20));
    tap({ path: 'm.safetensors', size: bytes.length })?.update(Buffer.from('half of a page'));
    const second = tap({ path: 'm.safetensors', size: bytes.length });
    second?.update(bytes);
    await second?.end(sha256);
    const { asked, opener, placed } = source({ 'm.safetensors': bytes });
    expect(await wholeness.check(placed, [], opener)).toBeUndefined();
    expect(asked).toEqual([]);
  });
});
