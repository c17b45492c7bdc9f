/** A text of an SVG, whose place is in pixels; `kind` is its class. */
export function svgText(x: number, y: number, content: string, kind = '', anchor = 'start'): string {
  const attributes = `${kind ? ` class="${kind}"` : ''}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" xml:space="preserve"${attributes}>${escapeXml(content)}</text>`;
}

/** The content of an element. */
export function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
