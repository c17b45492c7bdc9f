import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBase, pinBase } from '../../scripts/bases/base-image.ts';
import { imageManifest } from '../../scripts/image/manifest.ts';
import { parseConfig, parseIndex, parseManifest } from '../../scripts/image/schema.ts';
import { type Digest, type ImageStore, mediaTypes } from '../../scripts/image/types.ts';
import { runnableImage } from '../../scripts/kserve/local/image.ts';
import { parseEntries } from '../../scripts/layout/entries.ts';
import { withBaseImageCache } from '../../scripts/store/base-image-cache.ts';
import { Store } from '../../scripts/store/store.ts';
import { verifyImage } from '../../scripts/verify/verify.ts';
import { sha256 } from '../support/fake-registry.ts';
import { fuzz } from '../support/fuzz.ts';
import { hugeDocuments, jsonOf, mutated, withHugeValues } from '../support/hostile-values.ts';
import { digest, expectBoth } from './_fuzz-documents.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-fuzz-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const platform = { os: 'linux', architecture: 'amd64' };

const descriptor = (mediaType: string) => ({ mediaType, digest, size: 10, annotations: { a: 'b' } });

const config = {
  ...platform,
  created: '1970-01-01T00:00:00Z',
  config: { User: '1001', Env: ['PATH=/bin'], Labels: { a: 'b' }, Entrypoint: ['sh'], Volumes: {} },
  rootfs: { type: 'layers', diff_ids: [digest] },
  history: [{ created: '1970-01-01T00:00:00Z', created_by: 'x', empty_layer: true }, { comment: 'y' }],
};

const manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: descriptor(mediaTypes.config),
  layers: [descriptor(mediaTypes.layerGzip)],
  annotations: { 'org.opencontainers.image.title': 'x' },
};

const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.index,
  manifests: [{ ...descriptor(mediaTypes.manifest), platform }],
  annotations: { 'org.opencontainers.image.ref.name': 'iris:v1' },
};

it.each<[string, Record<string, unknown>, (bytes: Buffer) => unknown]>([
  ['an index', index, (bytes) => parseIndex(bytes, 'x')],
  ['a manifest', manifest, (bytes) => parseManifest(bytes, 'x')],
  ['a config', config, (bytes) => JSON.stringify(parseConfig(bytes, 'x').history)],
  ["a layout's index", index, (bytes) => parseEntries('x', bytes)],
])('%s', async (_, valid, parse) => {
  expectBoth(
    await fuzz(jsonOf(valid), parse, { runs: 800, always: [...hugeDocuments, ...withHugeValues(valid)] }),
  );
});

/** A store with these documents, each found by the digest of its bytes, in which every name resolves to the index. */
function storeOf(documents: { index: Buffer; manifest: Buffer; config: Buffer }): ImageStore {
  const blobs = new Map(Object.values(documents).map((bytes) => [sha256(bytes), bytes]));
  return {
    async resolve(name) {
      const bytes = blobs.get(name as Digest);
      const mediaType =
        bytes === undefined || bytes === documents.index ? mediaTypes.index : mediaTypes.manifest;
      const found = bytes ?? documents.index;
      return { mediaType, digest: sha256(found), size: found.length };
    },
    async read({ digest }) {
      return blobs.get(digest) ?? Buffer.from('{}');
    },
    async *open() {
      yield Buffer.alloc(1024);
    },
  };
}

/** An image whose documents refer to each other correctly, with a defect in one or more of them. */
const images = fc
  .tuple(mutated(config, 2), mutated(manifest, 2), mutated(index, 2))
  .map(([configValue, manifestValue, indexValue]) => {
    const bytes = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '');
    const within = (value: unknown, key: string, own: object) => {
      const place = (value as Record<string, unknown> | null)?.[key];
      const target = Array.isArray(place) ? place[0] : place;
      if (typeof target === 'object' && target !== null) Object.assign(target, own);
      return value;
    };
    const named = (from: Buffer) => ({ digest: sha256(from), size: from.length });
    const configBytes = bytes(configValue);
    const manifestBytes = bytes(within(manifestValue, 'config', named(configBytes)));
    return {
      config: configBytes,
      manifest: manifestBytes,
      index: bytes(within(indexValue, 'manifests', named(manifestBytes))),
    };
  });

it('a fuzzed base image is pinned, opened and built on, or refused', async () => {
  const outcome = await fuzz(
    images,
    async (documents) => {
      const store = storeOf(documents);
      const pins = await pinBase(store, 'x', 'latest', ['linux/amd64']);
      const base = await openBase(store, 'x', 'linux/amd64', pins['linux/amd64'] ?? digest);
      const made = imageManifest(base, [], { created: config.created, annotations: {} });
      expect(made.config.size).toBeLessThan(4 * 1024 ** 2);
    },
    { runs: 1000 },
  );
  expectBoth(outcome);
});

it('a fuzzed image is verified and run, or refused', async () => {
  const verified = await fuzz(
    images,
    (documents) => verifyImage(storeOf(documents), 'latest', { files: [] }),
    { runs: 1000 },
  );
  expect(verified.refused).toBeGreaterThan(5);
  expectBoth(
    await fuzz(
      images,
      (documents) => runnableImage({ store: storeOf(documents), name: 'latest' }, platform),
      { runs: 1000 },
    ),
  );
});

it('a fuzzed manifest in the store is replaced or read', async () => {
  const store = await Store.open(join(folder, 'store'));
  const origin = storeOf({ index: Buffer.from(''), manifest: Buffer.from(''), config: Buffer.from('') });
  await fuzz(
    jsonOf(manifest),
    async (bytes) => {
      await writeFile(store.blobPath(digest), bytes);
      const found = await withBaseImageCache(origin, store).resolve(digest);
      expect(typeof found?.mediaType).toBe('string');
    },
    { runs: 300, always: hugeDocuments },
  );
});
