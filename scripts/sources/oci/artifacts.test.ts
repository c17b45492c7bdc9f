import { describe, expect, it } from 'vitest';
import { imageLayer, putManifest, type TestLayer, tarOf } from '../../../tests/support/oci-artifacts.ts';
import {
  expectFiles,
  fake,
  file,
  noise,
  read,
  resolve,
  uri,
  useOciRegistry,
} from '../../../tests/support/oci-source.ts';

useOciRegistry();

describe('an artifact', () => {
  const modelPack = {
    configType: 'application/vnd.cncf.model.config.v1+json',
    artifactType: 'application/vnd.cncf.model.manifest.v1+json',
  };
  const raw = (part: string, path: string, bytes: Uint8Array | string): TestLayer => ({
    mediaType: `application/vnd.cncf.model.${part}.v1.raw`,
    bytes: Buffer.from(bytes),
    annotations: { 'org.cncf.model.filepath': path },
  });

  it('of ModelPack: raw layers are not read at lock, tars are, data sets are left out', async () => {
    const { bytes } = await imageLayer([['tokenizer/vocab.txt', 'a b']], 'tar+gzip');
    putManifest(
      fake,
      'm',
      'v1',
      [
        raw('weight', 'model.safetensors', noise),
        raw('weight.config', 'sub/config.json', '{}'),
        { mediaType: 'application/vnd.cncf.model.weight.config.v1.tar+gzip', bytes },
        { mediaType: 'application/vnd.cncf.model.dataset.v1.tar', bytes: Buffer.from('no tar') },
      ],
      modelPack,
    );
    await resolve();
    const blobs = fake.requests.filter(({ path }) => path.includes('/blobs/')).map(({ path }) => path);
    expect(new Set(blobs).size).toBe(1);
    await expectFiles({ 'model.safetensors': noise, 'sub/config.json': '{}', 'tokenizer/vocab.txt': 'a b' });
  });

  it('of KitOps: tars with whole names, and old ones whose place the Kitfile tells', async () => {
    const layer = async (type: string, name: string): Promise<TestLayer> => ({
      mediaType: `application/vnd.kitops.modelkit.${type}.v1.tar`,
      bytes: await tarOf([[name, type]]),
    });
    const configType = 'application/vnd.kitops.modelkit.config.v1+json';
    const layers = [
      await layer('model', 'm/model.gguf'),
      await layer('dataset', 'd.csv'),
      await layer('docs', 'x.md'),
    ];
    const config = {
      manifestVersion: '1.0.0',
      model: { path: 'm', digest: 'sha256:x' },
      docs: [{ path: 'paper/x.md' }],
    };
    putManifest(fake, 'm', 'v1', layers, { configType, config: JSON.stringify(config) });
    await expectFiles({ 'm/model.gguf': 'model', 'paper/x.md': 'docs' });
    const parent = { manifestVersion: '1.0.0', model: { path: 'jozu.ml/jozu/llama:7b' } };
    putManifest(fake, 'm', 'v1', layers.slice(2), { configType, config: JSON.stringify(parent) });
    await expect(resolve()).rejects.toThrow(
      /a ModelKit whose model is in another one, jozu\.ml\/jozu\/llama:7b/,
    );
  });

  it('of oras: titled files of any type, also one that is itself a tar, and folders', async () => {
    const title = (name: string) => ({ 'org.opencontainers.image.title': name });
    const tar = await tarOf([['x', 'inside']]);
    const folder = await imageLayer([['vocab/a.txt', 'a']], 'tar+gzip');
    putManifest(
      fake,
      'm',
      'v1',
      [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar', bytes: tar, annotations: title('data.tar') },
        { ...folder, annotations: { ...title('vocab'), 'io.deis.oras.content.unpack': 'true' } },
        { mediaType: 'text/plain', bytes: Buffer.from('hi'), annotations: title('README') },
      ],
      { configType: 'application/vnd.oci.empty.v1+json' },
    );
    await expectFiles({ README: 'hi', 'data.tar': tar, 'vocab/a.txt': 'a' });
  });

  it('gives one file by `#path`, which follows its tag where the lock has no revision for it', async () => {
    putManifest(fake, 'm', 'v1', [raw('weight', 'a/b.gguf', 'one'), raw('doc', 'README.md', 'r')], modelPack);
    const one = `${uri()}#a/b.gguf`;
    const { files } = await resolve(one);
    expect(files).toEqual([file('b.gguf', 'one')]);
    const named = { ...file('model.gguf', 'one'), source: one };
    expect((await read(one, 'sha256:of-something-else', named)).toString()).toBe('one');
    await expect(resolve(`${uri()}#none`)).rejects.toThrow(/it has no such file/);
  });

  it.each([
    ['../../etc/passwd', /the path \.\.\/\.\.\/etc\/passwd holds the component/],
    ['/etc/passwd', /is absolute/],
    ['.wh.x', /\.wh\./],
  ])('with the path %s is refused', async (path, message) => {
    putManifest(fake, 'm', 'v1', [raw('weight', path, 'x')], modelPack);
    await expect(resolve()).rejects.toThrow(message);
  });

  it('of another kind is named', async () => {
    const helm = {
      mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
      bytes: Buffer.from('x'),
    };
    putManifest(fake, 'm', 'v1', [helm], { configType: 'application/vnd.cncf.helm.config.v1+json' });
    await expect(resolve()).rejects.toThrow(
      /it is an artifact of type application\/vnd\.cncf\.helm\.config\.v1\+json, whose layers do not say which files/,
    );
  });
});
