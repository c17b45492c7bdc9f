import { describe, expect, it } from 'vitest';
import { layerOf } from '../image/layer.ts';
import { planLayers } from '../image/plan.ts';
import type { Digest } from '../image/types.ts';
import type { Lock, LockedLayer } from '../model/types.ts';
import type { KnownLayer } from '../store/store.ts';
import { KnownLayers } from './known-layers.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const files = [{ path: 'model.joblib', size: 5, sha256: '1'.repeat(64) }];
const layer = (compression: 'none' | 'gzip' = 'none') => {
  const [plan] = planLayers(files);
  if (plan === undefined) throw new Error('no plan');
  return layerOf(plan, () => [] as never, { mtime: 0, compression });
};
const plain = layer();
const size = plain.plan.size;
const known = (letter: string): KnownLayer => ({ digest: digest(letter), size, diffId: digest(letter) });
const entry = (letter: string, more: Partial<LockedLayer> = {}): LockedLayer => ({
  ...{ files: ['model.joblib'], digest: digest(letter), size, key: plain.key },
  ...more,
});

function layers(options: { locked?: LockedLayer[]; stored?: KnownLayer }) {
  const memory = new Map<string, KnownLayer>(options.stored && [[plain.key, options.stored]]);
  const model = {
    framework: 'sklearn',
    source: 'file:m',
    revision: 'r',
    include: [],
    exclude: [],
    files: [],
  };
  const lock: Lock = {
    lockVersion: 1,
    bases: {},
    models: { iris: { ...model, layers: options.locked ?? [] } },
  };
  const store = {
    layer: async (key: string) => memory.get(key),
    rememberLayer: async (key: string, made: KnownLayer) => void memory.set(key, made),
  };
  return { memory, of: new KnownLayers(store, lock) };
}

describe('KnownLayers', () => {
  it('returns layers from the lock, from the store and from this run', async () => {
    expect(await layers({ locked: [entry('a')] }).of.get(plain)).toEqual(known('a'));
    expect(await layers({ stored: known('b') }).of.get(plain)).toEqual(known('b'));
    const { of, memory } = layers({});
    expect(await of.get(plain)).toBeUndefined();
    expect(await of.add(plain, known('c'), 'models.lock.yaml')).toBeUndefined();
    expect(await of.get(plain)).toEqual(known('c'));
    expect(memory.get(plain.key)).toEqual(known('c'));
  });

  it('returns nothing when the store contradicts the lock, until the layer is added', async () => {
    const { of } = layers({ locked: [entry('a')], stored: known('b') });
    expect(await of.get(plain)).toBeUndefined();
    await of.add(plain, known('a'), 'models.lock.yaml');
    expect(await of.get(plain)).toEqual(known('a'));
  });

  it('reports both digests when the lock contradicts the layer that was read', async () => {
    const { of } = layers({ locked: [entry('a')] });
    const error = await of.add(plain, known('b'), 'models.lock.yaml');
    expect(error).toMatchObject({ code: 'lock' });
    expect(error?.message).toContain(digest('a'));
    expect(error?.message).toContain(digest('b'));
    expect(await of.get(plain)).toEqual(known('b'));
  });

  it.each([
    ['of other files', { key: '2'.repeat(64) }],
    ['of another size', { size: size + 512 }],
    ['uncompressed, with two digests', { diffId: digest('f') }],
  ])('does not use an entry %s', async (_name, more) => {
    expect(await layers({ locked: [entry('a', more)] }).of.get(plain)).toBeUndefined();
  });

  it('finds a compressed layer only by the key of its compression', async () => {
    const gzip = layer('gzip');
    const compressed = entry('a', { key: gzip.key, size: 77, diffId: digest('d') });
    const { of } = layers({ locked: [compressed] });
    expect(await of.get(gzip)).toEqual({ digest: digest('a'), size: 77, diffId: digest('d') });
    expect(await of.get(plain)).toBeUndefined();
  });
});
