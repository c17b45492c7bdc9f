/** HTML that was escaped where it needed to be. */
export class Html {
  readonly text: string;

  /** Only for markup of this room: `text` is not escaped. */
  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes: texts are escaped, absent values leave nothing. */
export type HtmlValue = string | number | Html | readonly HtmlValue[] | undefined | false;

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text inside an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return cleaned(text).replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** Markup with every value escaped: ``html`<p>${text}</p>` ``. Attributes have to be quoted. */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(strings.reduce((text, part, at) => text + markupOf(values[at - 1]) + part));
}

function markupOf(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(markupOf).join('');
}

/**
 * A foreign text without what no text needs: control characters but tab and newline, marks that reverse the direction of
 * what follows (Unicode TR 36, "Bidirectional Text Spoofing"), and halves of surrogate pairs, which UTF-8 cannot write.
 */
export function cleaned(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/gu, '');
}

/** A link to another site that may be shown: http, https or mailto, as a browser reads it. Undefined for any other. */
export function safeLink(href: string): string | undefined {
  let url: URL;
  try {
    url = new URL(href);
  } catch {
    return undefined;
  }
  const isSafe = ['http:', 'https:', 'mailto:'].includes(url.protocol);
  return isSafe && url.username === '' && url.password === '' ? url.href : undefined;
}
