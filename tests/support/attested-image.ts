import { type Descriptor, type Digest, mediaTypes } from '../../scripts/image/types.ts';
import type { LockedModel, Model } from '../../scripts/model/types.ts';
import type { AttestedImage } from '../../scripts/trust/attestations/types.ts';

/** A digest of one repeated hexadecimal digit. */
export function digestOf(digit: string): Digest {
  return `sha256:${digit.repeat(64)}`;
}

export const commit = '0123456789abcdef0123456789abcdef01234567';

const manifest = (digit: string): Descriptor => ({
  mediaType: mediaTypes.manifest,
  digest: digestOf(digit),
  size: 1,
});

export const model: Model = {
  name: 'llama',
  version: 'v1.2.0',
  tags: [],
  base: 'registry.access.redhat.com/ubi10/ubi-micro:latest',
  platforms: ['linux/amd64', 'linux/arm64'],
  compression: 'none',
  title: 'A model',
  annotations: {},
  framework: 'vllm',
  source: 'hf://org/llama',
  files: {},
  include: [],
  exclude: [],
};

export const locked: LockedModel = {
  framework: 'vllm',
  source: 'hf://org/llama',
  revision: commit,
  metadata: {
    base_model: 'org/base, org/other',
    datasets: 'org/words',
    license: 'apache-2.0',
    library_name: 'transformers',
    pipeline_tag: 'text-generation',
  },
  include: ['*'],
  exclude: [],
  files: [
    { path: 'config.json', size: 12, sha256: '1'.repeat(64) },
    { path: 'weights/a.safetensors', size: 34, sha256: '2'.repeat(64) },
    {
      path: 'tokenizer.json',
      size: 5,
      sha256: '3'.repeat(64),
      source: 'hf://org/other:main#tokenizer.json',
      revision: 'f'.repeat(40),
    },
  ],
};

/** The image of a hub model on UBI, for two platforms. */
export function attestedImage(changes: Partial<AttestedImage> = {}): AttestedImage {
  const base = (digit: string) => ({ reference: model.base, digest: digestOf(digit) });
  return {
    model,
    locked,
    files: locked.files.map((file) => ({ path: `models/${file.path}`, locked: file })),
    image: {
      name: 'quay.io/me/llama',
      index: { mediaType: mediaTypes.index, digest: digestOf('a'), size: 1 },
      platforms: [
        { platform: 'linux/amd64', manifest: manifest('b'), base: base('d') },
        { platform: 'linux/arm64', manifest: manifest('c'), base: base('e') },
      ],
    },
    epoch: 0,
    catalog: {
      file: { path: 'models/models.yaml', sha256: '4'.repeat(64) },
      lock: { path: 'models/models.lock.yaml', sha256: '5'.repeat(64) },
      repository: { uri: 'git+https://github.com/me/models', commit, dirty: false },
    },
    program: '0.1.0',
    ...changes,
  };
}
