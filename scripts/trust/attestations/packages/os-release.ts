import type { Distribution } from './types.ts';

/** Parses os-release(5): shell assignments without expansion. Undefined when it has no ID. */
export function parseOsRelease(text: string): Distribution | undefined {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
    if (match) fields.set(match[1] ?? '', unquote(match[2] ?? ''));
  }
  const id = fields.get('ID');
  if (!id) return undefined;
  const version = fields.get('VERSION_ID');
  const name = fields.get('PRETTY_NAME');
  return { id, ...(version && { version }), ...(name && { name }) };
}

function unquote(text: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(text);
  return (quoted?.[2] ?? text).replaceAll(/\\(["'$`\\])/g, '$1');
}
