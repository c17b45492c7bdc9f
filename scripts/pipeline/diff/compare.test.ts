import { describe, expect, it } from 'vitest';
import { compareImages } from './compare.ts';
import type { ImageFacts, ImageFile } from './image-facts.ts';
import { kindOfFile } from './kinds.ts';

const file = (path: string, size: number, sha256?: string, layer = 'l1'): ImageFile => ({
  path,
  size,
  layer,
  ...(sha256 !== undefined && { sha256 }),
});

function facts(change: Partial<Omit<ImageFacts, 'files'>> & { files?: ImageFile[] } = {}): ImageFacts {
  const { files = [file('model.safetensors', 10, 'a'), file('README.md', 3, 'b')], ...rest } = change;
  return {
    digest: 'd1',
    annotations: { 'org.opencontainers.image.version': 'v1' },
    platforms: new Map([
      ['linux/amd64', { base: ['b1'], baseName: 'ubi@sha256:1', config: { User: '"1001"' } }],
    ]),
    layers: ['l1'],
    unread: [],
    ...rest,
    files: new Map(files.map((one) => [one.path, one])),
  };
}
const platform = (change = {}) =>
  new Map([
    ['linux/amd64', { base: ['b1'], baseName: 'ubi@sha256:1', config: { User: '"1001"' }, ...change }],
  ]);

describe('compareImages', () => {
  it.each<[string, Partial<Omit<ImageFacts, 'files'>> & { files?: ImageFile[] }]>([
    ['the same image', { digest: 'd1' }],
    ['the same content in another image', {}],
    ['only the annotated version changed', { annotations: { 'org.opencontainers.image.version': 'v2' } }],
    ['only the base changed', { platforms: platform({ base: ['b2'], baseName: 'ubi@sha256:2' }) }],
    ['only the config changed', { platforms: platform({ config: { User: '"0"' } }) }],
    [
      'only the platforms changed',
      {
        platforms: new Map([
          ...platform(),
          ['linux/arm64', { base: ['b1'], baseName: '', config: { User: '' } }],
        ]),
      },
    ],
    ['only annotations changed', { annotations: { 'org.opencontainers.image.version': 'v1', team: 'a' } }],
    [
      'only weights (model.safetensors) changed',
      { files: [file('model.safetensors', 10, 'x'), file('README.md', 3, 'b')] },
    ],
    ['only documentation (README.md) changed', { files: [file('model.safetensors', 10, 'a')] }],
    [
      'weights (2 files), tokenizer (vocab.txt) and documentation (README.md) changed',
      { files: [file('a.bin', 1, 'a'), file('vocab.txt', 1, 'a')] },
    ],
    [
      'only perhaps 1 file of the same size changed',
      { files: [file('model.safetensors', 10, undefined, 'l2'), file('README.md', 3, 'b')] },
    ],
    [
      'only layers that do not list their files (1; --read-layers reads them) changed',
      { unread: [{ digest: 'l9', size: 5 }] },
    ],
  ])('says: %s', (summary, change) => {
    const result = compareImages(facts(), facts({ digest: 'd2', ...change }));
    expect(result.summary).toBe(summary);
    expect(result.equal).toBe(summary.startsWith('the same'));
  });

  it('lists what differs, with sizes, and counts the rest', () => {
    const other = facts({
      digest: 'd2',
      files: [file('model.safetensors', 12, 'a'), file('new.json', 1, 'c')],
    });
    const { files, sameFiles, size } = compareImages(facts(), other);
    expect(files).toEqual([
      { path: 'README.md', kind: 'documentation', change: 'removed', from: 3 },
      { path: 'model.safetensors', kind: 'weights', change: 'changed', from: 10, to: 12 },
      { path: 'new.json', kind: 'configuration', change: 'added', to: 1 },
    ]);
    expect([sameFiles, size]).toEqual([0, { from: 13, to: 13 }]);
    expect(compareImages(facts(), facts()).sameFiles).toBe(2);
  });

  it('takes files of one layer as the same, though it does not list their hashes', () => {
    const unlisted = [file('a.bin', 1)];
    expect(compareImages(facts({ files: unlisted }), facts({ digest: 'd2', files: unlisted })).files).toEqual(
      [],
    );
  });
});

it.each([
  ['model-00001-of-00002.safetensors', 'weights'],
  ['model.json', 'weights'],
  ['1/model.onnx', 'weights'],
  ['tokenizer.json', 'tokenizer'],
  ['merges.txt', 'tokenizer'],
  ['config.json', 'configuration'],
  ['LICENSE', 'documentation'],
  ['modeling_phi.py', 'code'],
  ['labels.txt', 'other'],
])('%s is of the kind %s', (path, kind) => expect(kindOfFile(path)).toBe(kind));
