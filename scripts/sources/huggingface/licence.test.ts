import { expect, it } from 'vitest';
import { cardOf } from './card.ts';
import { spdxOf } from './licence.ts';

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

it('takes from a card what is a short line, and nothing else', () => {
  const card = cardOf({
    cardData: {
      license: 'other',
      license_name: 'mine',
      license_link: 'LICENSE',
      base_model: ['org/a', 'org/b'],
      pipeline_tag: 'ignored, the hub knows better',
      library_name: 'line\nbreak',
      tags: ['x'],
    },
    task: 'text-generation',
  });
  expect(card).toEqual({
    base_model: 'org/a, org/b',
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
])('makes nothing of %j', (cardData) => {
  expect(cardOf({ cardData })).toEqual({});
});

it('does not take a list with something odd in it', () => {
  expect(cardOf({ cardData: { base_model: ['org/a', { b: 1 }], license: ['mit', 'isc'] } })).toEqual({
    license: 'mit, isc',
  });
});
