import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learnSecret, Masker, maskSecret } from './mask.ts';

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

  it('masks them in URL encoding', () => {
    expect(masker.mask('https://host/?k=abc%2Fdef%2Bghi&x=1')).toBe('https://host/?k=****&x=1');
  });

  it('leaves other variables and short values unmasked', () => {
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
  ])('masks text that looks like a secret: %s', (text, masked) => {
    expect(new Masker().mask(text)).toBe(masked);
  });

  it.each([
    'the registry wants basic authentication',
    'quay.io/me/iris@sha256:0123456789abcdef',
    'hf://org/repo@main and s3://bucket/a@b',
    'https://host/models/a@1.bin',
  ])('leaves %j unchanged', (text) => {
    expect(new Masker().mask(text)).toBe(text);
  });
});

/** Escapings that a peer may use when it echoes a request. */
const escapes: Record<string, (text: string) => string> = {
  unchanged: (text) => text,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in lower case': (text) =>
    encodeURIComponent(text).replaceAll(/%../g, (hex) => hex.toLowerCase()),
  'with every byte percent-encoded': (text) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'as a form': (text) => new URLSearchParams({ a: text }).toString().slice(2),
  'in JSON': (text) => JSON.stringify(text).slice(1, -1),
  'in JSON with escaped slashes': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'in JSON with \\u': (text) =>
    Array.from(
      { length: text.length },
      (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  'in HTML': (text) =>
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;'),
  'in HTML with numbers': (text) => Array.from(text, (one) => `&#${one.codePointAt(0)};`).join(''),
  'in HTML with hexadecimal numbers': (text) =>
    Array.from(text, (one) => `&#x${one.codePointAt(0)?.toString(16)};`).join(''),
  'in JSON, percent-encoded': (text) => encodeURIComponent(JSON.stringify(text).slice(1, -1)),
  'in hexadecimal': (text) => Buffer.from(text).toString('hex'),
};

describe.each(Object.entries(escapes))('a secret that is echoed %s', (_, write) => {
  const printable = fc.string({ unit: 'grapheme-ascii', minLength: 6, maxLength: 60 });
  const secrets = fc
    .oneof(printable, fc.string({ unit: 'grapheme', minLength: 6, maxLength: 30 }))
    // White space at either end is not part of a secret.
    .filter(
      (text) => text.isWellFormed() && text === text.trim() && text.length >= 6 && !text.includes('****'),
    );

  it('is masked', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const masker = new Masker();
        masker.add(secret);
        expect(masker.mask(`[${write(secret)}]`)).toBe(`[${maskSecret(secret)}]`);
      }),
      { seed: 4, numRuns: 200, examples: [['p@ss word!+/%"&<>\'\\']] },
    );
  });

  it('is not exposed in part by a truncated text', () => {
    const secret = 'Zq7/w+k&"u<V2 x9';
    const masker = new Masker();
    masker.add(secret);
    const whole = write(secret);
    for (let length = 4; length < whole.length; length++) {
      const shown = masker.mask(`denied: ${whole.slice(0, length)}…`);
      expect(shown.length, shown).toBeLessThanOrEqual(
        'denied: ****…'.length + 12 * (whole.length / secret.length),
      );
      if (length > whole.length / 2) expect(shown).toContain('****');
    }
  });
});

describe.each(['base64', 'base64url'] as const)('a secret in %s', (encoding) => {
  it('is masked at any position in the encoded text', () => {
    const text = fc.string({ maxLength: 10 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 9, maxLength: 40 }), text, text, (bytes, before, after) => {
        const secret = Buffer.from(bytes).toString('base64url');
        const masker = new Masker();
        masker.add(secret);
        const shown = masker.mask(Buffer.from(before + secret + after).toString(encoding));
        expect(shown).toContain('****');
        expect(Buffer.from(shown, encoding).includes(secret)).toBe(false);
      }),
      { seed: 4, numRuns: 300 },
    );
    const masker = new Masker();
    masker.add('hunter2-and-more');
    const basic = Buffer.from('me:hunter2-and-more').toString(encoding);
    expect(masker.mask(`you sent ${encodeURIComponent(basic)}`)).toMatch(
      /^you sent bWU6\*\*\*\*[\w%=]{0,8}$/,
    );
  });
});

it('masks secrets learnt at run time, in every masker', () => {
  const masker = new Masker();
  learnSecret('token-of-a-helper-that-came-later');
  expect(masker.mask('a token-of-a-helper-that-came-later b')).toBe('a toke****ater b');
  for (let count = 0; count < 600; count++) learnSecret(`one of many more tokens: ${count}-----`);
  expect(masker.mask('one of many more tokens: 599-----')).toBe('one ****----');
});
