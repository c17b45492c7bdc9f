import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { catalogModel, modelCatalog, signedModel } from '../../tests/support/model-catalog.ts';
import { siteOf, sitePath } from './site.ts';
import type { CatalogModel, ModelCatalog } from './types.ts';

/** Markup that would run, end an attribute or an element, or turn the text around. */
const hostile = `"'><script>alert(1)</script></style><img src=x onerror=alert(1)>&lt;\u202e\u0000\ud800\``;

function filesOf(catalog: ModelCatalog): Map<string, string> {
  return new Map([...siteOf(catalog)].map(({ path, text }) => [path, text]));
}

/** Replaces every text in a value, but for those that are chosen from a list. */
function poisoned<T>(value: T, key = ''): T {
  if (typeof value === 'string') return (['state', 'name'].includes(key) ? value : hostile) as T;
  if (Array.isArray(value)) return value.map((item) => poisoned(item)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poisoned(item, name)])) as T;
}

/** The start tags of a page, without those that a page always has. */
function tagsOf(page: string): string[] {
  const visible = page.replaceAll(/<style>.*?<\/style>|<script>[\s\S]*?<\/script>/g, (text) =>
    text.slice(0, 7),
  );
  return [...visible.matchAll(/<([a-z][a-z0-9]*)([^>]*)>/gi)].map(([, name = '', rest = '']) => {
    const names = rest.replaceAll(/"[^"]*"/g, '');
    const attributes = [...names.matchAll(/[^\s=]+/g)].map(([attribute]) => attribute);
    return [name, ...attributes].join(' ');
  });
}

describe('hostile texts', () => {
  const calm = { title: 'Models', models: [signedModel(), catalogModel('iris')] };
  const files = filesOf({ title: hostile, models: calm.models.map((model) => poisoned(model)) });
  const pages = [...files].filter(([path]) => path.endsWith('.html'));

  it.each(pages)('add no element and no attribute to %s', (path, page) => {
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).not.toMatch(/[^\P{Cc}\n]|\u202e|\p{Cs}/u);
    const harmless = filesOf(calm).get(path) ?? '';
    // The card is Markdown, of which markdown.test.ts knows more.
    const known = new Set([
      ...tagsOf(harmless),
      ...tagsOf(filesOf(modelCatalog(30)).get('index.html') ?? ''),
    ]);
    expect(tagsOf(page).filter((tag) => !known.has(tag))).toEqual([]);
  });

  it('change no path', () => {
    for (const path of files.keys()) expect(path).toMatch(sitePath);
  });
});

it.each([
  '../x.html',
  'models/../x.html',
  'models/.html',
  '/index.html',
  'models/a/b.html',
  'index.html\n',
  'models/a.js',
])('has no file %j', (path) => {
  expect(path).not.toMatch(sitePath);
});

it.each([...siteOf(modelCatalog(2))].filter(({ path }) => path.endsWith('.html')))(
  'the policy of $path allows its script and style, and nothing else',
  ({ text }) => {
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text) ?? [];
    const hash = (content: string | undefined) =>
      `&#39;sha256-${createHash('sha256')
        .update(content ?? '')
        .digest('base64')}&#39;`;
    const [, style] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? [];
    const [, script] = /<script>([\s\S]*?)<\/script>/.exec(text) ?? [];
    expect(policy.split('; ')).toEqual([
      'default-src &#39;none&#39;',
      `script-src ${hash(script)}`,
      `style-src ${hash(style)}`,
      'img-src data:',
      'base-uri &#39;none&#39;',
      'form-action &#39;none&#39;',
    ]);
    expect(text).not.toMatch(/ (?:style|on\w+)="/);
  },
);

it('gives the same bytes for the same catalog', () => {
  expect(filesOf(modelCatalog(20))).toEqual(filesOf(structuredClone(modelCatalog(20))));
});

it('has a page for each model, a manifest where it is known, and the index last', () => {
  const { manifest: _, ...unknown } = catalogModel('unknown');
  const paths = [...siteOf({ title: 'x', models: [catalogModel('iris'), unknown] })].map(({ path }) => path);
  expect(paths).toEqual(['models/iris.html', 'models/iris.yaml', 'models/unknown.html', 'index.html']);
});

it('says what is not known', () => {
  const { repository: _, digest: __, ...image } = catalogModel('iris').image;
  const { manifest: ___, files: ____, ...model } = catalogModel('iris');
  const page = (change: Partial<CatalogModel>) =>
    filesOf({ title: 'x', models: [{ ...model, image, ...change }] }).get('models/iris.html');
  expect(page({})).toContain('No registry is known for this image');
  expect(page({ image: { ...image, repository: 'quay.io/me/iris' } })).toContain(
    'podman create --name iris quay.io/me/iris:v1.0.0 sh',
  );
  expect(page({ card: { state: 'unread' } })).toContain('could not be read');
  expect(page({ card: { state: 'none' } })).toContain('has no README.md');
});

it('offers a facet only where it divides the models', () => {
  const index = (count: number) => filesOf(modelCatalog(count)).get('index.html') ?? '';
  expect(index(1)).not.toContain('type="checkbox"');
  const options = [...index(8).matchAll(/name="licence" value="([^"]*)">([^<]*) <span>(\d+)/g)];
  expect(options.map(([, ...option]) => option)).toEqual([
    ['Apache-2.0', 'Apache-2.0', '3'],
    ['MIT', 'MIT', '2'],
    ['BSD-3-Clause', 'BSD-3-Clause', '1'],
    ['LicenseRef-llama3.2', 'LicenseRef-llama3.2', '1'],
    ['', 'not stated', '1'],
  ]);
});
