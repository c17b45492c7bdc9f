/** The repository's Markdown files and their contents, for tests that compare them with the program. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { root } from './cli.ts';

/** A fenced block of code (CommonMark 0.31, section 4.5). */
export interface Block {
  /** `docs/guide/cache.md:38`: the line of its opening fence. */
  place: string;
  /** First word after the fence, such as `yaml`; empty without one. */
  language: string;
  /** The rest of that line. */
  mark: string;
  /** Without the fence's indentation. */
  text: string;
}

export interface Page {
  /** Relative to the repository's root. */
  path: string;
  text: string;
  blocks: Block[];
}

/** Folders without pages of the repository: packages, builds and stores. */
const strangers = /^(node_modules|out|\..*)$/;

/** Every Markdown file, sorted by path. Throws on an unclosed block. */
export async function pages(folder = root): Promise<Page[]> {
  const found: Page[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !strangers.test(entry.name)) found.push(...(await pages(path)));
    else if (entry.isFile() && entry.name.endsWith('.md')) {
      const text = await readFile(path, 'utf8');
      const own = relative(root, path);
      found.push({ path: own, text, blocks: blocksOf(own, text) });
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The fenced blocks of a Markdown text. */
export function blocksOf(path: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; indent: number; block: Block } | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    const [, space = '', fence = '', info = ''] = /^( *)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence === '') continue;
      const [language = '', ...mark] = info.trim().split(/\s+/);
      const block = { place: `${path}:${at + 1}`, language, mark: mark.join(' '), text: '' };
      open = { fence, indent: space.length, block };
    } else if (fence.startsWith(open.fence) && info.trim() === '') {
      blocks.push(open.block);
      open = undefined;
    } else {
      open.block.text += `${line.slice(Math.min(open.indent, line.search(/\S|$/)))}\n`;
    }
  }
  if (open !== undefined) throw new Error(`${open.block.place}: the block has no end`);
  return blocks;
}

/** The anchors of a page's headings, as GitHub generates them. */
export function anchorsOf({ text }: Page): Set<string> {
  const headings = [...text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/^#+ +(.*)$/gm)];
  return new Set(
    headings.map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}
