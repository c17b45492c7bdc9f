import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { checkLayerSizes, type ImageFile, membersOf, planLayers, tarSize } from './plan.ts';

const MiB = 1024 ** 2;
const file = (path: string, size = 1): ImageFile => ({ path, size, sha256: '0'.repeat(64) });
const layout = (files: ImageFile[]) => planLayers(files).map((plan) => plan.files.map((one) => one.path));

/** Distinct relative paths with sizes from 0 to 1 TB. */
const files = fc
  .uniqueArray(
    fc.record({
      path: fc.stringMatching(/^[a-z0-9]{1,6}(\/[a-z0-9.]{1,6}[a-z0-9]){0,2}$/),
      size: fc.oneof(
        fc.nat({ max: 100 * MiB }),
        fc.maxSafeNat().map((size) => size % 2 ** 40),
      ),
    }),
    { selector: (one) => one.path, minLength: 1, maxLength: 150 },
  )
  .map((list) => list.map(({ path, size }) => file(path, size)));

describe('planLayers', () => {
  it('gives a large file its own layer and lets small ones share', () => {
    expect(
      layout([file('b.bin', 40 * MiB), file('config.json'), file('a.bin', 32 * MiB), file('tokenizer.json')]),
    ).toEqual([['a.bin'], ['b.bin'], ['config.json', 'tokenizer.json']]);
  });

  it('starts a new shared layer rather than exceed 128 MiB', () => {
    const shards = Array.from({ length: 60 }, (_, index) =>
      file(`s${String(index).padStart(2, '0')}`, 8 * MiB),
    );
    expect(planLayers(shards).map((plan) => plan.files.length)).toEqual([15, 15, 15, 15]);
  });

  it('puts README and licence into a last layer, so that changing them affects no other', () => {
    const model = [
      file('LICENSE'),
      file('README.md'),
      file('config.json'),
      file('model.safetensors', 50 * MiB),
    ];
    expect(layout(model)).toEqual([['model.safetensors'], ['config.json'], ['LICENSE', 'README.md']]);
  });

  it('treats neither weights nor files of subfolders as README or licence', () => {
    expect(
      layout([file('license.bin/model.safetensors', 50 * MiB), file('1/README.md'), file('x.json')]),
    ).toEqual([['license.bin/model.safetensors'], ['1/README.md', 'x.json']]);
  });

  it('groups neighbouring files evenly when there are more files than layers', () => {
    const shards = Array.from({ length: 190 }, (_, index) =>
      file(`s${String(index).padStart(3, '0')}`, 100 * MiB),
    );
    const plans = planLayers([...shards, file('README.md')]);
    expect(plans.map((plan) => plan.files.length)).toEqual([...Array(95).fill(2), 1]);
    const more = planLayers([...shards, file('z', 100 * MiB), file('README.md')]);
    expect(Math.max(...more.map((plan) => plan.files.length))).toBe(3);
    expect(more.length).toBeLessThanOrEqual(96);
  });

  it('contains every file once, in byte order per layer, in at most 96 layers, for any input order', () => {
    fc.assert(
      fc.property(files, fc.infiniteStream(fc.nat()), (list, noise) => {
        const plans = planLayers(list);
        const paths = plans.flatMap((plan) => plan.files.map((one) => one.path));
        expect(paths.toSorted()).toEqual(list.map((one) => one.path).toSorted());
        expect(plans.length).toBeLessThanOrEqual(96);
        for (const plan of plans)
          expect(plan.files.map((one) => one.path)).toEqual(plan.files.map((one) => one.path).toSorted());
        const shuffled = list
          .map((one) => ({ one, key: noise.next().value }))
          .toSorted((a, b) => a.key - b.key);
        expect(planLayers(shuffled.map(({ one }) => one))).toEqual(plans);
      }),
    );
  });

  it('sorts by bytes, not by UTF-16 units', () => {
    // U+FF5E sorts after U+1F600 in UTF-16 and before it in UTF-8
    expect(layout([file('\u{1F600}'), file('\uFF5E')])).toEqual([['\uFF5E', '\u{1F600}']]);
  });
});

describe('checkLayerSizes', () => {
  it('names the file, the size of its layer and the limit', () => {
    const plans = planLayers([file('small.json'), file('shard-1.safetensors', 12e9)]);
    expect(() => checkLayerSizes(plans, { bytes: 20e9, of: 'registry', registry: 'quay.io' })).not.toThrow();
    const attempt = () => checkLayerSizes(plans, { bytes: 10e9, of: 'registry', registry: 'ghcr.io' });
    expect(attempt).toThrow(ModelcarsError);
    expect(attempt).toThrow(
      /shard-1\.safetensors needs a layer of 12000\d+ bytes, and ghcr\.io takes 10000000000/,
    );
  });
});

describe('membersOf', () => {
  it('lists every parent directory before its children, with the modes and owner of the contract', () => {
    const members = membersOf([file('1/a.bin', 5), file('1.txt'), file('1/sub/b')], 7);
    expect(members.map((member) => member.path)).toEqual([
      'models',
      'models/1',
      'models/1.txt',
      'models/1/a.bin',
      'models/1/sub',
      'models/1/sub/b',
    ]);
    for (const member of members) {
      expect(member).toMatchObject({
        uid: 1001,
        gid: 0,
        mtime: 7,
        mode: member.type === 'directory' ? 0o555 : 0o444,
      });
    }
  });

  it('adds up to the size of the tar', () => {
    // models/ 512, header 512 + 5 bytes in 512, end 1024
    expect(tarSize([file('a', 5)])).toBe(512 + 512 + 512 + 1024);
  });
});

describe('another root than /models', () => {
  it('becomes the root of all members, and changes nothing else', () => {
    const files = [file('b.ts', 5), file('a/x.ts', 7)];
    const [plan] = planLayers(files, 'app');
    expect(membersOf(files, 0, 'app').map(({ path }) => path)).toEqual([
      'app',
      'app/a',
      'app/a/x.ts',
      'app/b.ts',
    ]);
    // `app/` and `models/` need the same number of blocks.
    expect(plan?.size).toBe(planLayers(files)[0]?.size);
    expect(planLayers(files)[0]?.root).toBeUndefined();
  });
});
