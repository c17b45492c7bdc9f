import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import { style } from './style.ts';

/** One page: what is inside `body`, and what its head says. */
export interface Page {
  /** Of the window. */
  title: string;
  description?: string | undefined;
  body: Html;
  /** A program of scripts.ts. */
  script: string;
}

const styleHash = hashOf(style);
/** A square stack of layers. Without an icon, browsers ask a server for one. */
const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%230b57a4' d='M8 1 1 4.5 8 8l7-3.5zM1 8l7 3.5L15 8v2.8L8 14.5l-7-3.7z'/%3E%3C/svg%3E";

/**
 * A whole document. Its policy (Content Security Policy 3) allows this style, this script and the icon by their hashes
 * or scheme, and no request, frame, form or base address: foreign text that escaped would find nothing that it may do.
 */
export function documentOf({ title, description, body, script }: Page): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${styleHash}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="modelcars">
<title>${title}</title>
${description !== undefined && html`<meta name="description" content="${description}">\n`}<link rel="icon" href="${icon}">
<style>${new Html(style)}</style>
</head>
<body>
${body}
<script>${new Html(script)}</script>
</body>
</html>
`;
  return page.text;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
