import markdownIt, { type RendererRule, type Token } from 'markdown-it';
import { escapeHtml, Html, html, safeLink } from './html.ts';

/** Headings of a card are below the page's own, `h1` and `h2`. */
const headingsBelow = 2;
const alignments: Record<string, string> = { 'text-align:right': 'right', 'text-align:center': 'center' };

/**
 * Renders a foreign model card. The result has no element or attribute that the card wrote: HTML is recognised only to
 * leave it out (cards centre images with it) and its text is escaped. Images are named, not loaded; links lead to http,
 * https and mailto or become text; no element has an `id`, a `style` or a handler.
 */
export function renderMarkdown(text: string): Html {
  const tokens = renderer.parse(text, {});
  for (const token of tokens) restrict(token);
  return new Html(renderer.renderer.render(tokens, renderer.options, {}));
}

/** Deeper nesting than this is text: each level costs time and stack. */
const renderer = markdownIt({ html: true, maxNesting: 40 });
// Every link is judged below, where one that is refused leaves its text.
renderer.validateLink = () => true;

const rules: Record<string, RendererRule> = {
  text: (tokens, at) => escapeHtml(tokens[at]?.content ?? ''),
  code_inline: (tokens, at) => html`<code>${tokens[at]?.content}</code>`.text,
  code_block: (tokens, at) => html`<pre tabindex="0"><code>${tokens[at]?.content}</code></pre>\n`.text,
  fence: (tokens, at) => html`<pre tabindex="0"><code>${tokens[at]?.content}</code></pre>\n`.text,
  html_inline: (tokens, at) => (/^<br\b/i.test(tokens[at]?.content ?? '') ? '<br>' : ''),
  html_block: (tokens, at) => paragraph(textOfHtml(tokens[at]?.content ?? '')),
  image: (tokens, at) => imageOf(tokens[at]),
  table_open: () => '<div class="scroll" tabindex="0"><table>\n',
  table_close: () => '</table></div>\n',
};
Object.assign(renderer.renderer.rules, rules);

/** Takes from a token, and those in it, all that a card must not write. */
function restrict(token: Token): void {
  if (token.type === 'heading_open' || token.type === 'heading_close')
    token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + headingsBelow)}`;
  const align = alignments[String(token.attrGet('style'))];
  const start = token.type === 'ordered_list_open' ? token.attrGet('start') : null;
  if (token.type !== 'link_open') token.attrs = null;
  if (align !== undefined) token.attrSet('class', align);
  if (start !== null) token.attrSet('start', String(start));
  const open: boolean[] = [];
  for (const child of token.children ?? []) {
    if (child.type === 'link_open') {
      const href = safeLink(String(child.attrGet('href') ?? ''));
      open.push(href !== undefined);
      child.hidden = href === undefined;
      child.attrs = [
        ['href', href ?? ''],
        ['rel', 'nofollow noreferrer'],
      ];
    } else if (child.type === 'link_close') child.hidden = open.pop() === false;
    else restrict(child);
  }
}

function imageOf(token: Token | undefined): string {
  const alt = (token?.children ?? []).map(({ content }) => content).join('') || token?.content || '';
  return alt.trim() === '' ? '' : html`<span class="image">${alt}</span>`.text;
}

const characters: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };

/** The words of a block of HTML: what is between tags, without scripts, styles and comments. */
function textOfHtml(block: string): string {
  return block
    .replaceAll(/<(script|style|template|noscript)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, '')
    .replaceAll(/<!--[\s\S]*?(?:-->|$)/g, '')
    .replaceAll(/<[^>]*>?/g, ' ')
    .replaceAll(/&(nbsp|lt|gt|quot|#39|amp);/g, (_, name: string) => characters[name] ?? ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function paragraph(text: string): string {
  return text === '' ? '' : html`<p>${text}</p>\n`.text;
}
