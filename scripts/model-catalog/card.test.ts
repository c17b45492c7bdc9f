import { expect, it } from 'vitest';
import { parseCard } from './card.ts';

it('splits front matter from the text', () => {
  const card = parseCard(`---
language: [en, de]
license: mit
datasets:
  - acme/tickets
base_model: acme/base
pipeline_tag: text-classification
---
# Tickets
`);
  expect(card).toEqual({
    text: '# Tickets',
    isCut: false,
    languages: ['en', 'de'],
    datasets: ['acme/tickets'],
    baseModels: ['acme/base'],
    task: 'text-classification',
    licence: 'mit',
  });
});

it.each([
  ['# No front matter', '# No front matter'],
  ['---\nlanguage: en\n', '---\nlanguage: en'],
  ['\ufeff---\r\nlanguage: en\r\n---\r\ntext', 'text'],
  ['---\n---\ntext', 'text'],
  ['---\n{ not: [yaml\n---\ntext', 'text'],
  ['---\n- a list\n---\ntext', 'text'],
])('takes the text of %j', (readme, text) => {
  expect(parseCard(readme).text).toBe(text);
});

it('takes the text below front matter that nests too deep', () => {
  expect(parseCard(`---\n${'a: {'.repeat(5000)}\n---\ntext`).text).toBe('text');
});

it('takes only short lines from front matter', () => {
  const languages = ['en', '""', 'x'.repeat(200), '"a\\u202eb"', '{a: b}', '[de]', 'en'];
  expect(parseCard(`---\nlanguage: [${languages.join(', ')}]\n---`).languages).toEqual(['en']);
});

it('reads each scalar as text: `no` is Norwegian', () => {
  expect(parseCard('---\nlanguage:\n- no\n- 1\n---').languages).toEqual(['no', '1']);
});

it('cuts a huge card between lines', () => {
  const { text, isCut } = parseCard('a line of a model card\n'.repeat(100_000));
  expect(isCut).toBe(true);
  expect(text.length).toBeLessThanOrEqual(200_000);
  expect(text).toMatch(/card$/);
  expect(parseCard('x'.repeat(300_000)).text).toHaveLength(200_000);
});
