import { formatBytes } from '../text/bytes.ts';
import { type Html, type HtmlValue, html, safeLink } from './html.ts';
import type { CatalogModel } from './types.ts';
import { signatureWords, statementName } from './words.ts';

/** All that is known of a model and its image, as lists of terms. */
export function factsOf(model: CatalogModel): Html {
  const { image, files, libraries, library } = model;
  const { kind, label, detail } = signatureWords(image.signature);
  const made = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  return html`<aside class="facts" aria-label="Facts">
<h2>Model</h2>
<dl>
${fact('Framework', model.framework)}
${fact('Task', model.task)}
${fact('Licence', linked(model.licence, model.licenceLink))}
${fact('Source', sourceOf(model))}
${fact('Revision', model.source.revision && html`<code class="digest">${model.source.revision}</code>`)}
${fact('Files', files && `${files.count}, ${formatBytes(files.size)}`)}
${fact('Based on', listed(model.baseModels))}
${fact('Data sets', listed(model.datasets))}
${fact('Languages', model.languages.length > 0 && model.languages.join(', '))}
${fact('Library', library)}
${fact('Made with', listed(made))}
</dl>
<h2>Image</h2>
<dl>
${fact('Repository', image.repository && html`<code>${image.repository}</code>`)}
${fact('Version', html`<code>${image.tag}</code>`)}
${fact('Digest', image.digest ? html`<code class="digest">${image.digest}</code>` : 'not known')}
${fact('State', stateOf(model))}
${fact('Size', image.size !== undefined && `${formatBytes(image.size)} per platform`)}
${fact('Platforms', image.platforms.join(', '))}
${fact('Base', image.base)}
</dl>
<h2>Trust</h2>
<dl>
${fact('Signature', html`<span class="tag ${kind}">${label}</span>${detail !== undefined && html` ${detail}`}`)}
${fact('Attestations', attestationsOf(model))}
</dl>
${versionsOf(model)}</aside>`;
}

function fact(term: string, value: HtmlValue | null): Html | undefined {
  if (value === undefined || value === false || value === '') return undefined;
  return html`<dt>${term}</dt><dd>${value ?? undefined}</dd>`;
}

function listed(items: readonly string[]): Html | undefined {
  return items.length === 0 ? undefined : html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

function linked(text: string | undefined, href: string | undefined): HtmlValue {
  const safe = href === undefined ? undefined : safeLink(href);
  return safe === undefined ? text : html`<a href="${safe}" rel="nofollow noreferrer">${text ?? safe}</a>`;
}

function sourceOf({ source }: CatalogModel): HtmlValue {
  return source.uri === undefined ? 'local files' : linked(source.uri, source.page);
}

function stateOf({ image, files }: CatalogModel): HtmlValue {
  if (files === undefined) return 'not locked';
  if (image.isPushed === false) return 'not in the registry';
  if (image.isOutdated) return 'made from another revision than the lock names';
  return image.isPushed && 'in the registry';
}

function attestationsOf({ image: { attestations, signature } }: CatalogModel): HtmlValue {
  if (signature.state === 'unexamined') return undefined;
  if (attestations.length === 0) return 'none';
  return html`<ul>${attestations.map(
    ({ predicateType, by }) =>
      html`<li>${statementName(predicateType)}${by === undefined ? ', not verified' : ` by ${by}`}</li>`,
  )}</ul>`;
}

function versionsOf({ image: { versions, moreVersions } }: CatalogModel): Html | undefined {
  if (versions.length === 0) return undefined;
  return html`<h2>Versions</h2>
<dl>${versions.map(({ tag, digest }) => fact(tag, html`<code class="digest">${digest}</code>`))}</dl>
${moreVersions > 0 && html`<p class="quiet">and ${moreVersions} more</p>`}`;
}
