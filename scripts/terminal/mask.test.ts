import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Masker, maskSecret } from './mask.ts';

describe('maskSecret', () => {
  it('keeps the first and last 4 characters of a long secret', () => {
    expect(maskSecret('hf_aBcDeFgHiJkLmNoPqRsT')).toBe('hf_a****qRsT');
  });

  it.each(['', 'a', 'hunter2', 'x'.repeat(19)])('shows nothing of %j', (secret) => {
    expect(maskSecret(secret)).toBe('****');
  });

  it('never shows more than 8 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abcdefghij'), maxLength: 80 }), (secret) => {
        const shown = maskSecret(secret).replace('****', '');
        expect(shown.length).toBeLessThanOrEqual(8);
        expect(secret.length - shown.length).toBeGreaterThanOrEqual(Math.min(secret.length, 12));
      }),
    );
  });
});

describe('Masker', () => {
  const token = 'correct-horse-battery-staple';
  const masker = Masker.fromEnvironment({
    HF_TOKEN: token,
    AWS_SECRET_ACCESS_KEY: 'abc/def+ghi',
    REGISTRY_PASSWORD: 'p@ss word!',
    MY_SECRET: 'tiny',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/run/token-file',
    TOKENIZERS_PARALLELISM: 'parallel',
    HOME: '/home/somebody',
  });

  it('masks the values of variables that are named like secrets', () => {
    expect(masker.mask(`GET with ${token}: 401`)).toBe('GET with corr****aple: 401');
    expect(masker.mask('login p@ss word! failed')).toBe('login **** failed');
  });

  it('masks them in the form they have in a URL', () => {
    expect(masker.mask('https://host/?k=abc%2Fdef%2Bghi&x=1')).toBe('https://host/?k=****&x=1');
  });

  it('leaves other variables and short values alone', () => {
    const text = '/run/token-file parallel /home/somebody tiny';
    expect(masker.mask(text)).toBe(text);
  });

  it('masks the longer of two secrets where one is part of the other', () => {
    const both = new Masker();
    both.add('secret-a');
    both.add('secret-a-and-more-of-it');
    expect(both.mask('is secret-a-and-more-of-it here')).toBe('is secr****f-it here');
  });

  it.each([
    ['https://me:pw@quay.io/v2/', 'https://****@quay.io/v2/'],
    [
      'https://b.s3.host/k?X-Amz-Date=1&X-Amz-Signature=0af3&a=1',
      'https://b.s3.host/k?X-Amz-Date=1&X-Amz-Signature=****&a=1',
    ],
    ['Authorization: Bearer abc', 'Authorization: Bearer ****'],
    ['{"authorization":"Basic bWU6cHc="}', '{"authorization":"Basic ****"}'],
    ['used hf_abcdefghijklmnopqrstuvwxyz', 'used hf_****'],
  ])('masks what looks like a secret: %s', (text, masked) => {
    expect(new Masker().mask(text)).toBe(masked);
  });

  it.each([
    'the registry wants basic authentication',
    'quay.io/me/iris@sha256:0123456789abcdef',
    'hf://org/repo@main and s3://bucket/a@b',
    'https://host/models/a@1.bin',
  ])('leaves %j as it is', (text) => {
    expect(new Masker().mask(text)).toBe(text);
  });
});
