import { expect, it } from 'vitest';
import { cardOf } from './card.ts';
import { contradicted, spdxOf } from './licence.ts';

it.each<[Record<string, string>, string | undefined]>([
  [{ license: 'apache-2.0' }, 'Apache-2.0'],
  [{ license: 'MIT' }, 'MIT'],
  [{ license: 'gpl-3.0' }, 'GPL-3.0-only'],
  [{ license: 'llama3.1' }, 'LicenseRef-llama3.1'],
  [{ license: 'bigscience-bloom-rail-1.0' }, 'LicenseRef-bigscience-bloom-rail-1.0'],
  [{ license: 'other', license_name: 'my licence_v2 (draft)' }, 'LicenseRef-my-licence-v2-draft-'],
  [{ license: 'other' }, 'LicenseRef-other'],
  [{ license: 'mit, apache-2.0, MIT' }, 'MIT AND Apache-2.0'],
  [{ license: 'unknown' }, undefined],
  [{ license: 'constructor' }, 'LicenseRef-constructor'],
  [{}, undefined],
])('%j is %s in SPDX', (card, expected) => {
  expect(spdxOf(card)).toBe(expected);
  // SPDX 2.3 annex D: license-ref = "LicenseRef-" idstring; idstring = 1*(ALPHA / DIGIT / "-" / "." ).
  if (expected !== undefined) expect(expected).toMatch(/^[A-Za-z0-9.-]+( AND [A-Za-z0-9.-]+)*$/);
});

it('takes only known fields with a short line from a card', () => {
  const card = cardOf({
    cardData: {
      license: 'other',
      license_name: 'mine',
      license_link: 'LICENSE',
      base_model: ['org/a', 'org/b'],
      datasets: ['org/words', 'org/texts'],
      pipeline_tag: 'ignored, the hub knows better',
      library_name: 'line\nbreak',
      tags: ['x'],
    },
    task: 'text-generation',
  });
  expect(card).toEqual({
    base_model: 'org/a, org/b',
    datasets: 'org/words, org/texts',
    license: 'other',
    license_link: 'LICENSE',
    license_name: 'mine',
    pipeline_tag: 'text-generation',
  });
  expect(Object.keys(card)).toEqual(Object.keys(card).toSorted());
});

it.each([
  undefined,
  null,
  'text',
  7,
  [],
  { license: { a: 1 } },
  { license: '' },
  { license: 'x'.repeat(300) },
])('ignores %j', (cardData) => {
  expect(cardOf({ cardData })).toEqual({});
});

it('takes all datasets or none: some of them would read as all', () => {
  const datasets = Array.from({ length: 17 }, (_, at) => `d${at}`);
  expect(cardOf({ cardData: { datasets } })).toEqual({});
  expect(cardOf({ cardData: { datasets: datasets.slice(1) } }).datasets?.split(', ')).toHaveLength(16);
});

it('ignores a list with an unexpected element', () => {
  expect(cardOf({ cardData: { base_model: ['org/a', { b: 1 }], license: ['mit', 'isc'] } })).toEqual({
    license: 'mit, isc',
  });
});

it.each<[string, Record<string, string>, string | undefined]>([
  ['Apache-2.0', { license: 'apache-2.0' }, undefined],
  ['apache-2.0', { license: 'apache-2.0' }, undefined],
  ['MIT', { license: 'apache-2.0' }, 'Apache-2.0'],
  ['Apache-2.0', { license: 'llama3.2' }, 'LicenseRef-llama3.2'],
  ['LicenseRef-llama3.2', { license: 'llama3.2' }, undefined],
  ['Apache-2.0', { license: 'other', license_name: 'mine' }, 'LicenseRef-mine'],
  // A card without a licence contradicts nothing.
  ['Apache-2.0', { license: 'unknown' }, undefined],
  ['Apache-2.0', { license: 'other' }, undefined],
  ['Apache-2.0', {}, undefined],
  // Details that a card cannot express.
  ['GPL-3.0-or-later', { license: 'gpl-3.0' }, undefined],
  ['GPL-2.0-only', { license: 'gpl-3.0' }, 'GPL-3.0-only'],
  ['Apache-2.0 WITH LLVM-exception', { license: 'apache-2.0' }, undefined],
  ['(MIT AND Apache-2.0)', { license: 'apache-2.0, mit' }, undefined],
  // One of two licences is not both.
  ['MIT', { license: 'mit, apache-2.0' }, 'MIT AND Apache-2.0'],
  ['MIT OR Apache-2.0', { license: 'mit' }, 'MIT'],
  // A licence family.
  ['CC-BY-NC-4.0', { license: 'cc' }, undefined],
  ['LGPL-3.0-only', { license: 'gpl' }, 'LicenseRef-gpl'],
])('%s and a card with %j: %s', (expression, card, contradiction) => {
  expect(contradicted(expression, card)).toBe(contradiction);
});
