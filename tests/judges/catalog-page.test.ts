/** The pages of `modelcars catalog` in Chromium, opened by file:// as from a folder that somebody unpacked. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { siteOf } from '../../scripts/model-catalog/site.ts';
import { missingParts, part } from '../parts/parts.ts';
import { catalogModel, modelCatalog } from '../support/model-catalog.ts';

const missing = await missingParts('chromium');

/** What a card might try, each in the ways that its author knows. */
const hostileCard = `# A card
<script>window.ran = 'script'</script>
<img src="https://tracker.example/a.png" onerror="window.ran = 'image'">
<iframe src="https://tracker.example/frame"></iframe>

<svg onload="window.ran = 'svg'"><style>@import url(https://tracker.example/a.css);</style></svg>

<meta http-equiv="refresh" content="0; url=https://tracker.example/">

![a picture](https://tracker.example/b.png)
[click](javascript:window.ran='link') [file](file:///etc/passwd) [data](data:text/html,<script>window.ran='data'</script>)

| a wide table | ${'of many columns | '.repeat(12)}
|--|${'--|'.repeat(12)}
| ${'averylongwordthatdoesnotbreak'.repeat(4)} | ${'x |'.repeat(12)}

${'averylongwordthatdoesnotbreak'.repeat(10)}

\`\`\`
${'a long line of code '.repeat(20)}
\`\`\`
`;
/** A page whose card is put in as it is, but for the address that it would go to. */
const withCard = (page: string) =>
  page.replace(/<article[\s\S]*<\/article>/, () => hostileCard.replace(/<meta.*\n/, ''));
const pages = ['index.html', 'models/smollm2-135m-instruct.html', 'models/hostile.html'];

describe.skipIf(missing)('the pages in Chromium', () => {
  let folder: string;
  let browser: Browser;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-pages-'));
    const { title, models } = modelCatalog(40);
    const hostile = catalogModel('hostile', {
      title: `</h2><script>window.ran = 'title'</script>${'Title'.repeat(40)}`,
      description: `<img src="https://tracker.example/c.png" onerror="window.ran = 'description'">`,
      card: { state: 'shown', text: hostileCard, isCut: false },
    });
    for (const { path, text } of siteOf({ title, models: [...models, hostile] })) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    // Its sandbox needs a user; the only pages that it opens are those of this test.
    browser = await chromium.launch({ executablePath: await part('chromium'), args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens a page of the site and records what it asks for, and what the browser reports. */
  async function open(path: string, options: BrowserContextOptions = {}, address = '') {
    const context = await browser.newContext({
      permissions: ['clipboard-read', 'clipboard-write'],
      ...options,
    });
    const page = await context.newPage();
    const requests: string[] = [];
    const stopped: string[] = [];
    const reports: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    // Chromium reports a request that the policy stopped as one that failed.
    page.on('requestfailed', (request) => {
      if (request.failure()?.errorText === 'csp') stopped.push(request.url());
    });
    page.on('console', (message) => reports.push(message.text()));
    page.on('pageerror', (error) => reports.push(String(error)));
    page.on('dialog', (dialog) => reports.push(dialog.message()));
    const url = pathToFileURL(join(folder, path)).href;
    await page.goto(url + address);
    /** Requests for anything but this page and data in it. */
    const outside = () => requests.filter((one) => one.split('#')[0] !== url && !one.startsWith('data:'));
    return { page, outside, stopped, reports, [Symbol.asyncDispose]: () => context.close() };
  }
  const shown = async (page: Page) => await page.locator('#models > li:visible h2').allTextContents();

  test('search finds names, tasks, data sets and languages, in any case and order', async () => {
    await using opened = await open('index.html');
    const { page } = opened;
    expect(await page.textContent('#status')).toBe('41 models');
    await page.keyboard.press('/');
    await page.keyboard.type('GENERATION smoltalk');
    expect(await shown(page)).toEqual(['SmolLM2 135M Instruct']);
    expect(await page.textContent('#status')).toBe('1 of 41 models');
    await page.fill('#query', 'nothing has this');
    expect(await page.isVisible('#none')).toBe(true);
    await page.click('text=Reset');
    expect(await page.isVisible('#none')).toBe(false);
    expect(await shown(page)).toHaveLength(41);
  });

  test('facets filter, count what one more choice would show, and are kept in the address', async () => {
    await using first = await open('index.html');
    const { page } = first;
    await page.check('input[value=vllm]');
    const found = await shown(page);
    expect(found).toContain('SmolLM2 135M Instruct');
    const count = (value: string) => page.textContent(`label:has(input[value="${value}"]) span`);
    expect(await count('Apache-2.0')).toBe('1');
    expect(await count('BSD-3-Clause')).toBe('0');
    await page.check('input[value="Apache-2.0"]');
    expect(await shown(page)).toEqual(['SmolLM2 135M Instruct']);
    await page.check('input[value=xgboost]');
    expect(await page.textContent('#status')).toBe('8 of 41 models');
    await using second = await open('index.html', {}, new URL(page.url()).hash);
    expect(await second.page.textContent('#status')).toBe('8 of 41 models');
    expect(await second.page.isChecked('input[value=xgboost]')).toBe(true);
  });

  test('of many models, the first 200 are shown, and more on request', async () => {
    const [index] = [...siteOf(modelCatalog(450))].filter(({ path }) => path === 'index.html');
    await writeFile(join(folder, 'many.html'), index?.text ?? '');
    await using opened = await open('many.html');
    const { page } = opened;
    expect(await page.locator('#models > li:visible').count()).toBe(200);
    expect(await page.textContent('#status')).toBe('450 models');
    await page.click('text=Show 200 more');
    expect(await page.evaluate('document.activeElement.closest("li").matches(":nth-child(201)")')).toBe(true);
    await page.click('text=Show 50 more');
    expect(await page.locator('#models > li:visible').count()).toBe(450);
    expect(await page.isVisible('#more')).toBe(false);
    await page.fill('#query', 'welds');
    expect(await page.textContent('#status')).toMatch(/^\d+ of 450 models$/);
    await using plain = await open('many.html', { javaScriptEnabled: false });
    expect(await plain.page.locator('#models > li:visible').count()).toBe(450);
  });

  test.each(pages)('%s asks for nothing, runs nothing of a model and reports nothing', async (path) => {
    await using opened = await open(path);
    await opened.page.waitForTimeout(200);
    expect(opened.outside()).toEqual([]);
    expect(opened.reports).toEqual([]);
    expect(await opened.page.evaluate('window.ran')).toBeUndefined();
    expect(await opened.page.locator('img, iframe, svg, object, main script, main style').count()).toBe(0);
  });

  test('a page without its policy and with a card of HTML would be noticed', async () => {
    const text = await readFile(join(folder, 'models/hostile.html'), 'utf8');
    const naive = text.replace(/<meta http-equiv.*\n/, '');
    await writeFile(join(folder, 'models/naive.html'), withCard(naive));
    await using opened = await open('models/naive.html');
    expect(opened.outside()).toContain('https://tracker.example/a.png');
    expect(await opened.page.evaluate('window.ran')).toBeDefined();
  });

  test('the policy stops what a card could do if it were HTML', async () => {
    const text = await readFile(join(folder, 'models/hostile.html'), 'utf8');
    await writeFile(join(folder, 'models/broken.html'), withCard(text));
    await using opened = await open('models/broken.html');
    await opened.page.waitForTimeout(200);
    expect(opened.stopped).toContain('https://tracker.example/a.png');
    expect(opened.outside().filter((one) => !opened.stopped.includes(one))).toEqual([]);
    expect(await opened.page.evaluate('window.ran')).toBeUndefined();
    expect(opened.reports.join()).toContain('Content Security Policy');
  });

  test.each(pages)('%s fits a phone of 360 pixels', async (path) => {
    await using opened = await open(path, { viewport: { width: 360, height: 740 } });
    const width = await opened.page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBe(360);
  });

  test.each([
    ...pages.map((path) => [path, 'light'] as const),
    ...pages.slice(0, 2).map((path) => [path, 'dark'] as const),
  ])('%s has no fault that axe knows, %s', async (path, colorScheme) => {
    await using opened = await open(path, { colorScheme });
    await opened.page.evaluate(axe.source);
    const { violations, passes } = (await opened.page.evaluate('axe.run()')) as axe.AxeResults;
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(passes.map(({ id }) => id)).toEqual(expect.arrayContaining(['color-contrast', 'region']));
  });

  test('the keyboard is enough: from the first key to a copied command', async () => {
    await using opened = await open('index.html');
    const { page } = opened;
    const focus = () => page.evaluate('document.activeElement.textContent || document.activeElement.id');
    await page.keyboard.press('Tab');
    expect(await focus()).toBe('Skip to the models');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focus()).toBe('SmolLM2 135M Instruct');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/models/smollm2-135m-instruct.html');
    await page.locator('.code button').first().focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Copied');
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
      'kubectl apply -f smollm2-135m-instruct.yaml',
    );
  });

  test('without JavaScript, the index is a list of all models', async () => {
    await using opened = await open('index.html', { javaScriptEnabled: false });
    expect(await opened.page.locator('#models > li:visible').count()).toBe(41);
    expect(await opened.page.isVisible('#query')).toBe(false);
    expect(await opened.page.isVisible('#facets')).toBe(false);
  });

  test('print has the models and not the controls', async () => {
    await using opened = await open('index.html');
    await opened.page.emulateMedia({ media: 'print' });
    expect(await opened.page.isVisible('#query')).toBe(false);
    expect(await opened.page.isVisible('#facets')).toBe(false);
    expect(await opened.page.isVisible('text=SmolLM2')).toBe(true);
  });
});
