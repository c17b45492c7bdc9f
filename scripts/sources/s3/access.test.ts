import { describe, expect, it } from 'vitest';
import { ModelcarsError } from '../../errors.ts';
import { regionOf, s3Access } from './access.ts';

const usage = (environment: NodeJS.ProcessEnv, flag?: string): string => {
  try {
    s3Access(environment, flag);
  } catch (error) {
    if (error instanceof ModelcarsError && error.exitCode === 2) return `${error.message} ${error.next}`;
  }
  return 'no usage error';
};

describe('s3Access', () => {
  it('is Amazon without an endpoint, and path-style with one', () => {
    expect(s3Access({})).toEqual({ pathStyle: false });
    expect(s3Access({ S3_ENDPOINT_URL: 'http://minio:9000/' })).toEqual({
      endpoint: 'http://minio:9000',
      pathStyle: true,
    });
  });

  it('prefers the flag, then S3_ENDPOINT_URL, then the variables of the SDKs', () => {
    const all = {
      AWS_ENDPOINT_URL: 'https://third',
      AWS_ENDPOINT_URL_S3: 'https://second',
      S3_ENDPOINT_URL: 'https://first',
    };
    expect(s3Access(all, 'https://flag').endpoint).toBe('https://flag');
    expect(s3Access(all).endpoint).toBe('https://first');
    expect(s3Access({ ...all, S3_ENDPOINT_URL: '' }).endpoint).toBe('https://second');
    expect(s3Access({ AWS_ENDPOINT_URL: all.AWS_ENDPOINT_URL }).endpoint).toBe('https://third');
  });

  it('lets AWS_S3_FORCE_PATH_STYLE decide', () => {
    expect(s3Access({ AWS_S3_FORCE_PATH_STYLE: 'true' }).pathStyle).toBe(true);
    const virtual = { AWS_S3_FORCE_PATH_STYLE: 'false', S3_ENDPOINT_URL: 'https://objectstore.example.com' };
    expect(s3Access(virtual).pathStyle).toBe(false);
    expect(usage({ AWS_S3_FORCE_PATH_STYLE: 'yes please' })).toContain('AWS_S3_FORCE_PATH_STYLE');
  });

  it.each([
    'minio:9000',
    'ftp://minio',
    'https://',
    'https://a b',
    'https://user:topsecret@minio',
    'https://minio?token=topsecret',
    'https://minio#topsecret',
  ])('rejects %s as wrong usage, names its origin and does not repeat it', (url) => {
    expect(usage({ S3_ENDPOINT_URL: url })).toMatch(/^read S3_ENDPOINT_URL: expected a URL/);
    expect(usage({ S3_ENDPOINT_URL: url })).not.toContain('topsecret');
    expect(usage({}, url)).toMatch(/^read --endpoint-url: /);
  });
});

describe('regionOf', () => {
  it.each([
    ['https://s3.us-west-004.backblazeb2.com', 'us-west-004'],
    ['https://s3.gra.io.cloud.ovh.net', 'gra'],
    ['https://s3.fr-par.scw.cloud', 'fr-par'],
    ['https://bucket.s3.eu-central-2.wasabisys.com', 'eu-central-2'],
    ['https://fra1.digitaloceanspaces.com', 'fra1'],
    ['https://s3.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['https://0123456789abcdef.r2.cloudflarestorage.com', 'auto'],
    ['https://storage.googleapis.com', 'auto'],
    ['https://s3.wasabisys.com', undefined],
    ['http://minio:9000', undefined],
    ['https://s3.evil.com/s3.gra.io.cloud.ovh.net', undefined],
    [undefined, undefined],
  ])('of %s is %s', (endpoint, region) => {
    expect(regionOf(endpoint)).toBe(region);
  });
});
