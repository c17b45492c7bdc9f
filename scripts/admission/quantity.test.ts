import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalQuantity, quantity } from './quantity.ts';

describe('canonicalQuantity', () => {
  // What `resource.MustParse(…).String()` of k8s.io/apimachinery prints.
  test.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1.5', '1500m'],
    ['1000', '1k'],
    ['2000M', '2G'],
    ['0.0001', '100u'],
    ['0.0000000001', '1n'],
    ['1.5Gi', '1536Mi'],
    ['1024Mi', '1Gi'],
    ['0.5Ki', '512'],
    ['1000Ki', '1000Ki'],
    ['0.3Ki', '307200m'],
    ['0.00Gi', '0'],
    ['4Gi', '4Gi'],
    ['250m', '250m'],
  ])('%s is %s', (given, canonical) => {
    expect(canonicalQuantity(given)).toBe(canonical);
  });

  test('keeps the amount, and a canonical quantity as it is', () => {
    const suffixes = ['', 'm', 'k', 'Ki', 'M', 'Mi', 'G', 'Gi', 'T', 'Ti'];
    const amounts = fc.tuple(fc.nat({ max: 99_999 }), fc.nat({ max: 999 }), fc.constantFrom(...suffixes));
    fc.assert(
      fc.property(amounts, ([whole, fraction, suffix]) => {
        const given = `${whole}.${fraction}${suffix}`;
        const canonical = canonicalQuantity(given);
        expect(quantity(canonical) / (quantity(given) || 1)).toBeCloseTo(quantity(given) === 0 ? 0 : 1, 9);
        expect(canonicalQuantity(canonical)).toBe(canonical);
      }),
    );
  });

  test('leaves other text alone', () => {
    for (const text of ['', '1e3', '-1', '1Zi', 'many']) expect(canonicalQuantity(text)).toBe(text);
  });
});
