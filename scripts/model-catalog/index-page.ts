import { documentOf } from './document.ts';
import { type Html, html } from './html.ts';
import { browseScript, mostShown } from './scripts.ts';
import type { CatalogModel, ModelCatalog } from './types.ts';
import { pageOf, signatureWords, tagsOf } from './words.ts';

/** What models can be filtered by, in the order of the page. `key` is also the name in the address. */
const facets = [
  { key: 'framework', title: 'Framework', of: (model: CatalogModel) => model.framework },
  { key: 'task', title: 'Task', of: (model: CatalogModel) => model.task },
  { key: 'licence', title: 'Licence', of: (model: CatalogModel) => model.licence },
  {
    key: 'signature',
    title: 'Signature',
    of: ({ image: { signature } }: CatalogModel) =>
      signature.state === 'unexamined' ? undefined : signatureWords(signature).label,
  },
];

const notStated = 'not stated';

/** The page of all models: one short entry each, searched and filtered in the browser, a plain list without JavaScript. */
export function indexPage({ title, models }: ModelCatalog): string {
  const panels = facets.flatMap((facet) => panelOf(facet, models));
  const count = models.length === 1 ? '1 model' : `${models.length} models`;
  const body = html`<a class="skip" href="#models">Skip to the models</a>
<header class="top"><div class="page"><h1>${title}</h1>
<p>Model images for KServe, with their licences, digests and model cards.</p></div></header>
<main class="page"><form id="browse" class="browse plain">
${panels.length > 0 && html`<details id="facets" class="facets" open hidden><summary>Filters</summary>${panels}</details>`}
<div>
<div class="find" hidden><div><label for="query">Search</label>
<input id="query" type="search" autocomplete="off" spellcheck="false" placeholder="name, task, language, data set …" aria-keyshortcuts="/"></div>
<button type="reset">Reset</button></div>
<p id="status" class="quiet" role="status">${count}</p>
<p id="none" class="note" hidden>No model matches. Remove a filter, or search for less.</p>
<ul id="models" class="models">
${models.map(entryOf)}</ul>
<p><button id="more" type="button" hidden>Show more</button></p></div></form></main>
${footer}`;
  return documentOf({ title, body, script: browseScript });
}

/** The end of every page. */
export const footer: Html = html`<footer><div class="page">Made with modelcars.</div></footer>`;

function entryOf(model: CatalogModel, at: number): Html {
  const { name, title, description, image, baseModels, datasets, languages, source, library } = model;
  const more = [name, ...baseModels, ...datasets, ...languages, source.uri, library, image.repository];
  return html`<li${at >= mostShown && html` hidden`}${facets.map(({ key, of }) => html` data-${key}="${of(model)}"`)} data-more="${more
    .filter((word) => word !== undefined)
    .join(' ')}"><h2><a href="${pageOf(name)}">${title}</a></h2>${
    description !== undefined && html`<p>${description}</p>`
  }${tagsOf(model)}</li>
`;
}

/** The choices of one facet with their numbers of models; none for a facet that would not divide the models. */
function panelOf({ key, title, of }: (typeof facets)[number], models: readonly CatalogModel[]): Html[] {
  const counts = new Map<string, number>();
  for (const model of models) counts.set(of(model) ?? '', (counts.get(of(model) ?? '') ?? 0) + 1);
  if (counts.size < 2) return [];
  // Frequent values first; models that state none are last.
  const order = [...counts].sort(
    ([one, many], [other, more]) =>
      Number(one === '') - Number(other === '') || more - many || (one < other ? -1 : 1),
  );
  return [
    html`<fieldset><legend>${title}</legend><div class="options" tabindex="-1">${order.map(
      ([value, count]) =>
        html`<label><input type="checkbox" name="${key}" value="${value}">${value === '' ? notStated : value} <span>${count}</span></label>`,
    )}</div></fieldset>`,
  ];
}
