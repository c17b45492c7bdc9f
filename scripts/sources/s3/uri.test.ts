import { describe, expect, it } from 'vitest';
import { asFolder, isBucketName, parseS3Uri } from './uri.ts';

describe('parseS3Uri', () => {
  it.each([
    ['s3://models/llama', { bucket: 'models', key: 'llama' }],
    ['s3://models/llama/', { bucket: 'models', key: 'llama/' }],
    ['s3://models', { bucket: 'models', key: '' }],
    ['s3://models/', { bucket: 'models', key: '' }],
    ['s3://my.own-bucket/a/b/c.bin', { bucket: 'my.own-bucket', key: 'a/b/c.bin' }],
    ['s3://models/100%25/ü', { bucket: 'models', key: '100%25/ü' }],
  ])('parses %s without decoding it', (uri, value) => {
    expect(parseS3Uri(uri)).toEqual({ ok: true, value });
  });

  it.each([
    's3:/models/x',
    's3:models/x',
    's3:///x',
    's3://ab/x',
    's3://Models/x',
    's3://models_1/x',
    's3://-models/x',
    's3://mod..els/x',
    's3://mod.-els/x',
    's3://10.0.0.1/x',
    `s3://${'a'.repeat(64)}/x`,
    's3://key:secret@models/x',
    's3://models/a//b',
    's3://models//',
    's3://models/../x',
    's3://models/a/./b',
    's3://models/a b',
    's3://models/a?versionId=1',
    's3://models/a#b',
    's3://models/a\\b',
    's3://models/a\nb',
    `s3://models/${'a'.repeat(1025)}`,
  ])('rejects %s', (uri) => {
    expect(parseS3Uri(uri).ok).toBe(false);
  });
});

describe('asFolder', () => {
  it('ends every prefix with one slash, except for the whole bucket', () => {
    expect(['', 'a', 'a/', 'a/b'].map(asFolder)).toEqual(['', 'a/', 'a/', 'a/b/']);
  });
});

describe('isBucketName', () => {
  it('follows "Bucket naming rules" of the Amazon S3 user guide', () => {
    const good = ['amzn-s3-demo-bucket1-a1b2c3d4', 'amzn-s3-demo-bucket', 'log-delivery-march-2020', 'abc'];
    const bad = [
      'amzn_s3_demo_bucket',
      'AmznS3DemoBucket',
      'amzn-s3-demo-bucket-',
      'a..b',
      '192.168.5.4',
      'ab',
    ];
    expect(good.filter((name) => !isBucketName(name))).toEqual([]);
    expect(bad.filter(isBucketName)).toEqual([]);
  });
});
