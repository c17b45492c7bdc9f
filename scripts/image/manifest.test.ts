import { describe, expect, it } from 'vitest';
import {
  type BaseLayers,
  documentOf,
  type FinishedLayer,
  type ImageConfig,
  imageIndex,
  imageManifest,
} from './manifest.ts';
import { parsePlatform, platformMatches } from './platform.ts';
import { type Digest, mediaTypes } from './types.ts';

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const baseConfig = (over: Partial<ImageConfig> = {}): ImageConfig => ({
  architecture: 'arm64',
  os: 'linux',
  config: {
    Env: ['PATH=/bin'],
    Entrypoint: ['/entry'],
    Cmd: ['x'],
    User: '0',
    Labels: { name: 'base' },
    Volumes: { '/v': {} },
  },
  rootfs: { type: 'layers', diff_ids: [digest('1')] },
  history: [{ created_by: 'base' }, { created_by: 'env', empty_layer: true }],
  ...over,
});
const base = (over: Partial<BaseLayers> = {}): BaseLayers => ({
  platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  digest: digest('b'),
  config: baseConfig(),
  layers: [{ mediaType: mediaTypes.layerGzip, digest: digest('2'), size: 10 }],
  ...over,
});
const layer: FinishedLayer = {
  descriptor: { mediaType: mediaTypes.layer, digest: digest('3'), size: 20, annotations: { a: 'b' } },
  diffId: digest('3'),
  comment: 'model.joblib',
};
const description = { created: '1970-01-01T00:00:00Z', annotations: { z: '1', a: '2' } };
const json = (document: { bytes: Uint8Array }) => JSON.parse(new TextDecoder().decode(document.bytes));

describe('imageManifest', () => {
  const { config, manifest } = imageManifest(base(), [layer], description);

  it('runs as user 1001 with the environment of the base and none of its other process settings', () => {
    expect(json(config).config).toEqual({
      User: '1001',
      Env: ['PATH=/bin'],
      WorkingDir: '/',
      Labels: { a: '2', z: '1', 'org.opencontainers.image.base.digest': digest('b') },
    });
  });

  it('adds the layer of the model to those of the base', () => {
    expect(json(config).rootfs).toEqual({ type: 'layers', diff_ids: [digest('1'), digest('3')] });
    expect(json(manifest).layers.map((one: { digest: string }) => one.digest)).toEqual([
      digest('2'),
      digest('3'),
    ]);
    expect(json(config).history).toHaveLength(3);
    expect(json(manifest).config).toEqual({
      mediaType: mediaTypes.config,
      digest: config.digest,
      size: config.size,
    });
  });

  it('names the platform in config and descriptor', () => {
    expect(json(config)).toMatchObject({ os: 'linux', architecture: 'arm64', variant: 'v8' });
    expect(manifest.descriptor.platform).toEqual({ os: 'linux', architecture: 'arm64', variant: 'v8' });
  });

  it('writes a new history when that of the base does not match its layers', () => {
    const torn = imageManifest(base({ config: baseConfig({ history: [] }) }), [layer], description);
    expect(
      json(torn.config).history.filter((one: { empty_layer?: boolean }) => !one.empty_layer),
    ).toHaveLength(2);
  });

  it('sets the default PATH of container engines when the base has none', () => {
    const bare = imageManifest(base({ config: baseConfig({ config: {} }) }), [layer], description);
    expect(json(bare.config).config.Env).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  });
});

it('an index does not depend on the order of platforms and annotations', () => {
  const amd = imageManifest(base({ platform: parsePlatform('linux/amd64') }), [layer], description).manifest;
  const arm = imageManifest(base(), [layer], description).manifest;
  const index = imageIndex([arm, amd], description);
  expect(index.digest).toBe(
    imageIndex([amd, arm], { ...description, annotations: { a: '2', z: '1' } }).digest,
  );
  expect(
    json(index).manifests.map((one: { platform: { architecture: string } }) => one.platform.architecture),
  ).toEqual(['amd64', 'arm64']);
});

it('a document can be opened at any offset', async () => {
  const document = documentOf('text/json', { a: 1 });
  const chunks: Uint8Array[] = [];
  for await (const chunk of document.open(3)) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('":1}');
});

it.each([
  ['linux/amd64', 'linux/amd64', true],
  ['linux/arm64', 'linux/arm64/v8', true],
  ['linux/arm64/v8', 'linux/arm64', true],
  ['linux/arm64', 'linux/arm64/v9', false],
  ['linux/arm', 'linux/arm/v7', false],
  ['linux/amd64', 'windows/amd64', false],
  ['linux/amd64', 'linux/arm64', false],
])('wanted %s, offered %s: %s', (wanted, offered, matches) => {
  expect(platformMatches(parsePlatform(wanted), parsePlatform(offered))).toBe(matches);
});

it('runs the given process in place of that of the base', () => {
  const process = { entrypoint: ['node', 'main.ts'], workingDir: '/app', programs: '/app/bin' };
  const { config } = imageManifest(base(), [layer], { ...description, process });
  expect(json(config).config).toMatchObject({
    User: '1001',
    Entrypoint: ['node', 'main.ts'],
    WorkingDir: '/app',
    Env: ['PATH=/app/bin:/bin'],
  });
  expect(json(config).config.Cmd).toBeUndefined();
});
