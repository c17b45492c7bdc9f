import { describe, expect, it } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { cacheLocation, folderOf } from './location.ts';
import { type CacheFlags, readCacheSettings } from './settings.ts';
import { partSizeOf } from './upload.ts';

const usage = (flags: CacheFlags, environment: NodeJS.ProcessEnv = {}): string => {
  try {
    readCacheSettings(flags, environment);
  } catch (error) {
    if (error instanceof ModelcarsError && error.exitCode === 2) return error.message;
  }
  return 'no usage error';
};

describe('readCacheSettings', () => {
  const environment = {
    MODEL_NAME: 'org/model',
    S3_BUCKET: 'models',
    S3_PREFIX: 'a/b',
    S3_ENDPOINT_URL: 'http://minio:9000',
    DOWNLOAD_DIR: '/data',
  };

  it('reads the environment variables of a container', () => {
    expect(readCacheSettings({}, environment)).toEqual({
      uri: 'hf://org/model',
      place: { bucket: 'models', prefix: 'a/b/' },
      endpoint: 'http://minio:9000',
      downloadDir: '/data',
      workers: 10,
    });
  });

  it('prefers flags to variables, and has a default prefix', () => {
    const flags = {
      modelName: 'hf://org/other:v2',
      bucket: 'mine',
      endpointUrl: 'https://s3.example.com',
      workers: 3,
    };
    expect(readCacheSettings(flags, { S3_BUCKET: 'models' })).toEqual({
      uri: 'hf://org/other:v2',
      place: { bucket: 'mine', prefix: 'models/' },
      endpoint: 'https://s3.example.com',
      workers: 3,
    });
  });

  it('treats an empty variable as unset', () => {
    const empty = { MODEL_NAME: '', S3_BUCKET: ' ', S3_PREFIX: '', S3_ENDPOINT_URL: '', DOWNLOAD_DIR: '' };
    expect(readCacheSettings({}, empty)).toEqual({ workers: 10 });
  });

  it.each([
    'model',
    'org/',
    '/model',
    'org/../x',
    'org/a/b',
    'org/model:',
    'org/mo del',
    'https://host/org/model',
    'org/model\n',
  ])('refuses the model name %j', (modelName) => {
    expect(usage({ modelName })).toMatch(/^read --model-name: expected `org\/name`/);
  });

  it.each(['s3://models', 'models/x', 'Models', 'a', '../models', 'AKIAIOSFODNN7EXAMPLE'])(
    'refuses the bucket %j, and does not repeat it',
    (bucket) => {
      expect(usage({ bucket })).toMatch(/^read --bucket: expected a bucket/);
      expect(usage({}, { S3_BUCKET: bucket })).toMatch(/^read S3_BUCKET: expected/);
      if (bucket.length > 15) expect(usage({ bucket })).not.toContain(bucket);
    },
  );

  it.each(['/a', 'a//b', '../a', 'a/./b', 'a b', 'a?b', 'a\u0000'])('refuses the prefix %j', (prefix) => {
    expect(usage({ bucket: 'models', prefix })).toMatch(/^read --prefix: expected a prefix/);
  });
});

describe('folderOf', () => {
  const place = cacheLocation('s3://models/models');
  it('is the same for a catalog and a model name, with one folder per revision', () => {
    expect(place).toEqual(readCacheSettings({ bucket: 'models' }, {}).place);
    expect(folderOf(place, 'hf://org/model')).toBe('models/org/model/');
    expect(folderOf(place, 'hf://org/model:refs/pr/1')).toBe('models/org/model@refs/pr/1/');
    expect(folderOf(cacheLocation('s3://models'), 'hf://org/model')).toBe('org/model/');
  });
  it.each(['file:model', 's3://other/x', 'https://host/x', 'hf://org/../model'])(
    'is undefined for %s',
    (uri) => {
      expect(folderOf(place, uri)).toBeUndefined();
    },
  );
});

describe('partSizeOf', () => {
  it('never needs more than 10,000 parts, nor less than 5 MiB (S3 user guide, multipart upload limits)', () => {
    for (const size of [0, 1, 8 * 1024 ** 2, 80e9, 83_886_080_000, 83_886_080_001, 5 * 1024 ** 4]) {
      const part = partSizeOf(size);
      expect(Math.ceil(size / part), String(size)).toBeLessThanOrEqual(10_000);
      expect(part).toBeGreaterThanOrEqual(5 * 1024 ** 2);
      expect(part % 1024 ** 2).toBe(0);
    }
  });
});
