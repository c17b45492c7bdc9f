import { deploySection } from './deploy.ts';
import { documentOf } from './document.ts';
import { factsOf } from './facts.ts';
import { type Html, html } from './html.ts';
import { footer } from './index-page.ts';
import { renderMarkdown } from './markdown.ts';
import { copyScript } from './scripts.ts';
import type { CatalogModel, ModelCatalog } from './types.ts';
import { tagsOf } from './words.ts';

/** The page of one model. */
export function modelPage(catalog: Pick<ModelCatalog, 'title'>, model: CatalogModel): string {
  const { title, description } = model;
  const body = html`<a class="skip" href="#main">Skip to the model</a>
<header class="top"><div class="page"><a class="back" href="../index.html">← ${catalog.title}</a><h1>${title}</h1>${
    description !== undefined && html`<p>${description}</p>`
  }${tagsOf(model)}</div></header>
<main id="main" class="page model">
<div>
${deploySection(model)}
<h2 id="card">Model card</h2>
${cardOf(model)}
</div>
${factsOf(model)}
</main>
${footer}`;
  return documentOf({ title: `${title} – ${catalog.title}`, description, body, script: copyScript });
}

function cardOf({ card, languages }: CatalogModel): Html {
  switch (card.state) {
    case 'shown': {
      // A text that the browser hyphenates and reads aloud; the codes come from the card.
      const [language = ''] = languages;
      const lang = languages.length === 1 && /^[a-z]{2,3}$/.test(language) ? language : 'en';
      return html`<article class="card" dir="auto" lang="${lang}">
${renderMarkdown(card.text)}</article>${card.isCut && html`<p class="note">The card is longer: the rest is in the image's README.md.</p>`}`;
    }
    case 'unread':
      return html`<p class="note">The model card could not be read when this page was made.</p>`;
    case 'none':
      return html`<p class="note">The image has no README.md.</p>`;
  }
}
