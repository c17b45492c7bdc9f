import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Descriptor, type Digest, type ImageStore, mediaTypes } from '../image/types.ts';
import { keys } from './annotations.ts';
import type { ImagePlan } from './plan-image.ts';
import { previousLayers } from './previous-layers.ts';

const digestOf = (text: string): Digest => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const platform = { os: 'linux', architecture: 'amd64' };
const plan = { bases: [{ platform }] } as unknown as ImagePlan;

/** A repository whose tag is an index with one image for `architecture`; its layers have these keys. */
function repository(architecture: string, layerKeys: (string | undefined)[]): ImageStore {
  const documents = new Map<string, string>();
  const put = (mediaType: string, document: unknown): Descriptor => {
    const text = JSON.stringify(document);
    documents.set(digestOf(text), text);
    return { mediaType, digest: digestOf(text), size: text.length };
  };
  const blob = (mediaType: string, name: string) => ({ mediaType, digest: digestOf(name), size: 1 });
  const manifest = put(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: put(mediaTypes.config, {
      ...platform,
      rootfs: { type: 'layers', diff_ids: layerKeys.map((_, index) => digestOf(`layer ${index}`)) },
    }),
    layers: layerKeys.map((key, index) => ({
      ...blob(mediaTypes.layer, `layer ${index}`),
      ...(key !== undefined && { annotations: { [keys.layerKey]: key } }),
    })),
  });
  const index = put(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...manifest, platform: { os: 'linux', architecture } }],
  });
  return {
    resolve: async (tag: string) => (tag === 'latest' ? index : undefined),
    read: async ({ digest }: Descriptor) => Buffer.from(documents.get(digest) ?? ''),
  } as unknown as ImageStore;
}

describe('previousLayers', () => {
  it('gives the layer keys of the image for a platform of the plan', async () => {
    const found = await previousLayers(repository('amd64', [undefined, 'one', 'two']), 'latest', plan);
    const layer = (index: number) => {
      const digest = digestOf(`layer ${index}`);
      return { digest, size: 1, diffId: digest };
    };
    expect([...found.layers]).toEqual([
      ['one', layer(1)],
      ['two', layer(2)],
    ]);
  });

  it('gives none for another platform, or without the tag', async () => {
    expect((await previousLayers(repository('arm64', ['one']), 'latest', plan)).layers.size).toBe(0);
    expect((await previousLayers(repository('amd64', ['one']), 'v9', plan)).layers.size).toBe(0);
  });

  it('gives none for an image that cannot be read', async () => {
    const { resolve } = repository('amd64', ['one']);
    const read = () => Promise.reject(new Error('denied'));
    const broken = { resolve, read } as unknown as ImageStore;
    expect((await previousLayers(broken, 'latest', plan)).layers.size).toBe(0);
  });
});
