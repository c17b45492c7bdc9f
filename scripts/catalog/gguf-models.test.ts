import { describe, expect, it } from 'vitest';
import { chooseProjector, ggufCompanions, ggufModels, severalModels } from './gguf-models.ts';

const parts = (stem: string, total: number) =>
  Array.from(
    { length: total },
    (_, part) => `${stem}-${String(part + 1).padStart(5, '0')}-of-${String(total).padStart(5, '0')}.gguf`,
  );

describe('one model', () => {
  it.each([
    [['granite-Q4_K_M.gguf', 'README.md']],
    [['gemma-Q8_0.gguf', 'mmproj-F16.gguf']],
    [parts('Q4_K_M/llama-70b-Q4_K_M', 3)],
    [['README.md']],
  ])('%j', (paths) => expect(severalModels(paths)).toBeUndefined());
});

describe('several models are refused, by the names of their quantisations', () => {
  it('and the include of one is shown', () => {
    const paths = [
      'g-2b.Q2_K.gguf',
      'g-2b.Q4_K_M.gguf',
      'g-2b.f16.gguf',
      'mmproj-BF16.gguf',
      'mmproj-F16.gguf',
    ];
    expect(severalModels(paths)).toEqual({
      problem: 'has 3 models, and one image serves one: Q2_K, Q4_K_M and f16',
      next: 'choose one, as in `include: ["g-2b.Q4_K_M.gguf", "mmproj-F16.gguf", "README.md", "LICENSE*"]`',
      choices: ['g-2b.Q2_K.gguf', 'g-2b.Q4_K_M.gguf', 'g-2b.f16.gguf'],
    });
  });

  it('in folders, of parts, beside a single file', () => {
    const paths = [...parts('UD-Q4_K_XL/g-UD-Q4_K_XL', 2), ...parts('BF16/g-BF16', 3), 'g-IQ1_S.gguf'];
    expect(severalModels(paths)).toMatchObject({
      problem: 'has 3 models, and one image serves one: UD-Q4_K_XL, BF16 and IQ1_S',
      next: expect.stringContaining('["UD-Q4_K_XL/g-UD-Q4_K_XL-*.gguf", '),
    });
  });

  it('also the same quantisation in one part and in two: never both by accident', () => {
    expect(severalModels(['m-Q8_0.gguf', ...parts('m-Q8_0', 2)])?.choices).toHaveLength(2);
    expect(severalModels([...parts('m-Q8_0', 2), ...parts('m-Q8_0', 3)])?.choices).toHaveLength(2);
  });

  it('by their paths where these name no quantisation', () => {
    expect(severalModels(['base.gguf', 'chat.gguf'])?.problem).toMatch(/: base\.gguf and chat\.gguf$/);
  });
});

describe('projectors', () => {
  it('one of several precisions is taken: half precision, otherwise the first', () => {
    const all = ['m.gguf', 'mmproj-BF16.gguf', 'mmproj-F16.gguf', 'mmproj-F32.gguf'];
    expect(chooseProjector(all).take).toEqual(['m.gguf', 'mmproj-F16.gguf']);
    expect(chooseProjector(['mmproj-BF16.gguf', 'mmproj-F32.gguf']).leave).toEqual(['mmproj-F32.gguf']);
    expect(chooseProjector(['mmproj-a.gguf', 'mmproj-b.gguf']).leave).toEqual(['mmproj-b.gguf']);
  });

  it('alone, or two by an own include, are refused', () => {
    expect(severalModels(['mmproj-F16.gguf'])?.problem).toContain('has no model');
    expect(severalModels(['m.gguf', 'mmproj-F16.gguf', 'mmproj-F32.gguf'])?.problem).toContain(
      'several projectors',
    );
  });
});

it('a chosen part brings the others and a projector, and no other model', () => {
  const paths = [...parts('m-Q8_0', 2), 'm-Q2_K.gguf', 'mmproj-F16.gguf', 'mmproj-F32.gguf'];
  expect(ggufModels(paths)).toHaveLength(2);
  expect(ggufCompanions('m-Q8_0-00001-of-00002.gguf', paths)).toEqual([
    'm-Q8_0-00002-of-00002.gguf',
    'mmproj-F16.gguf',
  ]);
});
