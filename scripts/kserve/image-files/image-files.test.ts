import { describe, expect, it } from 'vitest';
import { longPath, type MemoryStore, makeImage, trueDraft } from '../../../tests/support/draft-image.ts';
import { directory, pax } from '../../../tests/support/odd-tars.ts';
import { ModelcarsError } from '../../errors.ts';
import { openImageFiles } from './image-files.ts';

const never = new AbortController().signal;

async function open(store: MemoryStore) {
  const root = await store.resolve('iris:v1');
  if (root === undefined) throw new Error('no image');
  return await openImageFiles(store, root, never);
}

describe.each(['none', 'gzip', 'zstd'] as const)('layers compressed with %s', (compression) => {
  it('reads every file of the model, from any offset and in any order, and none of the base', async () => {
    await using files = await open(makeImage(trueDraft(compression)));
    expect(files.paths).toEqual(['README.md', longPath, 'model.joblib']);
    expect(files.size('model.joblib')).toBe('a model of irises '.length * 90);
    expect((await files.read('model.joblib', 2, 5)).toString()).toBe('model');
    expect((await files.read('README.md', 0, 100)).toString()).toBe('# Irises\n');
    expect((await files.read('model.joblib', 18 * 89, 100)).toString()).toBe('a model of irises ');
    expect((await files.read('model.joblib', 0, 7)).toString()).toBe('a model');
    expect(await files.read(longPath, 0, 1000)).toEqual(Buffer.alloc(512, 7));
    expect(await files.read('README.md', 9, 10)).toHaveLength(0);
  });

  it('finds the files of an image whose layers name none, of another builder', async () => {
    const draft = trueDraft(compression);
    draft.model = [
      {
        members: [
          directory('models/'),
          { name: './models/a', content: 'first' },
          { name: 'models/short', content: 'by PAX', before: pax('path', 'models/long/path') },
          { name: 'etc/passwd', content: 'no model' },
          { name: 'models/link', type: '2', link: 'a' },
        ],
        compression,
      },
      { members: [{ name: 'models/a', content: 'second' }], compression },
    ];
    await using files = await open(makeImage(draft));
    expect(files.paths).toEqual(['a', 'long/path']);
    // A later layer's file hides an earlier one's.
    expect((await files.read('a', 0, 100)).toString()).toBe('second');
    expect((await files.read('long/path', 3, 100)).toString()).toBe('PAX');
  });
});

it('reads little of a large layer that is not compressed', async () => {
  const draft = trueDraft();
  const content = Buffer.alloc(8 * 1024 ** 2, 1);
  draft.model = [
    {
      members: [
        directory('models/'),
        { name: 'models/big', content },
        { name: 'models/small', content: 'x' },
      ],
      compression: 'none',
    },
  ];
  const store = makeImage(draft);
  let read = 0;
  const { open: inner } = store;
  store.open = async function* (descriptor, offset, signal) {
    for await (const chunk of inner.call(store, descriptor, offset, signal)) {
      read += chunk.length;
      yield chunk;
    }
  };
  await using files = await open(store);
  expect((await files.read('small', 0, 1)).toString()).toBe('x');
  expect((await files.read('big', 7 * 1024 ** 2, 2)).toString()).toBe('\u0001\u0001');
  expect(read).toBeLessThan(100_000);
});

it.each<[string, (draft: ReturnType<typeof trueDraft>) => void]>([
  [
    'a layer that lists another size',
    ({ model: [layer] }) => {
      const list = [{ path: 'models/model.joblib', size: 5, sha256: '' }];
      if (layer?.annotations) layer.annotations['dev.modelcars.layer.files'] = JSON.stringify(list);
    },
  ],
  [
    'a layer that lists a file that it lacks',
    ({ model: [layer] }) => {
      if (layer) layer.members = [];
    },
  ],
  [
    'a layer that is no tar',
    ({ model: [layer] }) => {
      if (layer) layer.end = Buffer.alloc(4096, 65);
      layer?.members.splice(0);
    },
  ],
])('refuses %s', async (_, change) => {
  for (const compression of ['none', 'gzip'] as const) {
    const draft = trueDraft(compression);
    change(draft);
    await using files = await open(makeImage(draft));
    const failure = await files.read('model.joblib', 0, 10).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ModelcarsError);
    expect(failure).toMatchObject({ code: 'integrity' });
  }
});

it('refuses a layer that is not compressed as its media type says', async () => {
  const draft = trueDraft('gzip');
  const store = makeImage(draft);
  for (const [digest, bytes] of store.blobs)
    if (bytes[0] === 0x1f) store.blobs.set(digest, Buffer.from('no gzip'));
  await using files = await open(store);
  await expect(files.read('model.joblib', 0, 10)).rejects.toMatchObject({ code: 'integrity' });
});
