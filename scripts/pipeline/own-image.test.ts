import { describe, expect, it } from 'vitest';
import { failure } from '../../tests/support/outcome.ts';
import { layerOf } from '../image/layer.ts';
import { type BaseLayers, documentOf, imageIndex, imageManifest } from '../image/manifest.ts';
import { planLayers } from '../image/plan.ts';
import { type Descriptor, type Digest, type ImageStore, mediaTypes } from '../image/types.ts';
import { layerAnnotations } from './annotations.ts';
import { readOwnImage } from './own-image.ts';

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const created = '1970-01-01T00:00:00Z';
const annotations = {
  'org.opencontainers.image.title': 'iris',
  'org.opencontainers.image.version': 'v1.2.3',
  'org.opencontainers.image.created': created,
  'org.opencontainers.image.base.name': 'embedded',
  'dev.modelcars.framework': 'sklearn',
};
const files = [
  { path: 'model.joblib', size: 1000, sha256: 'a'.repeat(64) },
  { path: 'README.md', size: 10, sha256: 'b'.repeat(64) },
];
const layers = planLayers(files).map((plan, at) => {
  const layer = layerOf(plan, () => [] as never, { mtime: 0, compression: 'none' });
  const digest = digestOf(at === 0 ? 'c' : 'd');
  const descriptor = {
    mediaType: layer.mediaType,
    digest,
    size: plan.size,
    annotations: layerAnnotations(layer),
  };
  return { descriptor, diffId: digest, comment: plan.files[0]?.path ?? '', key: layer.key };
});

/** A base of two layers whose history also has an empty one. */
const base = (architecture: string): BaseLayers => ({
  platform: { os: 'linux', architecture },
  digest: digestOf('e'),
  config: {
    os: 'linux',
    architecture,
    rootfs: { type: 'layers', diff_ids: [digestOf('1'), digestOf('2')] },
    history: [{ created_by: 'one' }, { empty_layer: true }, { created_by: 'two' }],
  },
  layers: ['f', '9'].map((letter) => ({
    mediaType: mediaTypes.layerGzip,
    digest: digestOf(letter),
    size: 5,
  })),
});

// biome-ignore lint/suspicious/noExplicitAny: tests change any field
type Edit = (document: any, what: 'index' | 'manifest' | 'config', at: number) => void;

/** The image, with its documents changed by a test. */
function image(edit: Edit = () => {}): { store: ImageStore; root: Descriptor } {
  const blobs = new Map<string, Uint8Array>();
  const put = (mediaType: string, value: unknown): Descriptor => {
    const { descriptor, bytes } = documentOf(mediaType, value);
    blobs.set(descriptor.digest, bytes);
    return descriptor;
  };
  const description = { created, annotations };
  const made = ['amd64', 'arm64'].map((one) => imageManifest(base(one), layers, description));
  const read = ({ bytes }: { bytes: Uint8Array }) => JSON.parse(Buffer.from(bytes).toString());
  const manifests = made.map(({ config, manifest }, at) => {
    const [configDocument, document] = [read(config), read(manifest)];
    edit(configDocument, 'config', at);
    edit(document, 'manifest', at);
    document.config = put(mediaTypes.config, configDocument);
    return { ...put(mediaTypes.manifest, document), platform: manifest.descriptor.platform };
  });
  const index = read(
    imageIndex(
      made.map(({ manifest }) => manifest),
      description,
    ),
  );
  index.manifests = manifests;
  edit(index, 'index', 0);
  const root = put(mediaTypes.index, index);
  const store = { read: async ({ digest }: Descriptor) => blobs.get(digest) } as unknown as ImageStore;
  return { store, root };
}

const readImage = (edit?: Edit) => {
  const { store, root } = image(edit);
  return readOwnImage(store, root, 'quay.io/me/iris:v1.2.3');
};
const ofManifest =
  (change: (layers: { digest: string; annotations?: Record<string, string> }[]) => void): Edit =>
  (document, what) => {
    if (what === 'manifest') change(document.layers);
  };

describe('readOwnImage', () => {
  it('tells the layers of base and model apart', async () => {
    expect(await readImage()).toMatchObject({
      created,
      annotations,
      base: 'embedded',
      layers,
      platforms: ['amd64', 'arm64'].map((architecture) => ({
        platform: { os: 'linux', architecture },
        base: digestOf('e'),
        baseLayers: [digestOf('f'), digestOf('9')],
      })),
    });
  });

  const key = 'dev.modelcars.layer.key';
  const listed = 'dev.modelcars.layer.files';
  it.each<[string, string, Edit]>([
    [
      'of another tool',
      'modelcars did not make it',
      (document, what) => {
        if (what === 'index') delete document.annotations['dev.modelcars.framework'];
      },
    ],
    [
      'without keys',
      `no layer has the annotation ${key}`,
      ofManifest((all) => {
        for (const one of all) delete one.annotations;
      }),
    ],
    [
      'whose base claims to be a model',
      'none is of a base',
      ofManifest((all) => {
        for (const one of all.slice(0, 2)) one.annotations = { [key]: 'a'.repeat(64) };
      }),
    ],
    [
      'with a base layer among those of the model',
      'modelcars did not add it',
      ofManifest((all) => {
        (all[1] as { annotations?: object }).annotations = { [key]: 'a'.repeat(64) };
      }),
    ],
    [
      'with a layer on top',
      'above the model',
      (document, what) => {
        const extra = { mediaType: mediaTypes.layer, digest: digestOf('7'), size: 5 };
        if (what === 'manifest') document.layers.push(extra);
        if (what === 'config') {
          document.rootfs.diff_ids.push(digestOf('7'));
          document.history.push({ created, created_by: 'modelcars' });
        }
      },
    ],
    [
      'with another key',
      'its key is not that of the files',
      ofManifest((all) => {
        Object.assign(all[2]?.annotations ?? {}, { [key]: 'a'.repeat(64) });
      }),
    ],
    [
      'whose list has another file',
      'its key is not that of the files',
      ofManifest((all) => {
        const text = JSON.stringify([{ path: 'models/model.joblib', size: 1000, sha256: 'f'.repeat(64) }]);
        Object.assign(all[2]?.annotations ?? {}, { [listed]: text });
      }),
    ],
    [
      'whose list names files outside',
      'no list of files below models/',
      ofManifest((all) => {
        const text = JSON.stringify([{ path: 'bin/sh', size: 1000, sha256: 'a'.repeat(64) }]);
        Object.assign(all[2]?.annotations ?? {}, { [listed]: text });
      }),
    ],
    [
      'of another size',
      'its size is not that',
      ofManifest((all) => {
        Object.assign(all[2] ?? {}, { size: 99 });
      }),
    ],
    [
      'with another diff_id',
      'its diff_id is not its digest',
      (document, what) => {
        if (what === 'config') document.rootfs.diff_ids[2] = digestOf('0');
      },
    ],
    [
      'with one model layer less on a platform',
      'not those of the other platforms',
      (document, what, at) => {
        if (at === 0 || what === 'index') return;
        if (what === 'manifest') document.layers.pop();
        if (what === 'config') {
          document.rootfs.diff_ids.pop();
          document.history.pop();
        }
      },
    ],
    [
      'with a history that is too short',
      'a history of 3',
      (document, what) => {
        if (what === 'config') document.history.shift();
      },
    ],
    [
      'without base digest',
      'base.digest is no digest',
      (document, what) => {
        if (what === 'manifest') delete document.annotations['org.opencontainers.image.base.digest'];
      },
    ],
  ])('refuses an image %s', async (_, problem, edit) => {
    const error = await failure(readImage(edit));
    expect(error).toMatchObject({ code: 'integrity', next: expect.stringContaining('`modelcars push`') });
    expect(error.message).toContain(problem);
  });

  it('refuses a loader', async () => {
    const error = await failure(
      readImage((document, what) => {
        if (what === 'index') document.annotations['dev.modelcars.framework'] = 'loader';
      }),
    );
    expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining('it is a loader') });
  });
});
