/** The files of ci/ and the commands in them, for tests that compare these with the real options. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Recipe {
  /** `ci/github/dagger.yml`. */
  path: string;
  text: string;
  /** Its YAML documents; none for a Jenkinsfile or plain text. */
  // biome-ignore lint/suspicious/noExplicitAny: of every system's own shape
  documents: any[];
}

/** The action and the component that other repositories use, by their places that GitHub and GitLab prescribe. */
export const reusable = ['action.yml', 'templates/modelcars.yml'];

/** Every file of ci/. Throws on invalid YAML, including duplicate keys. */
export async function recipes(): Promise<Recipe[]> {
  const names = await readdir(join(root, 'ci'), { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return await Promise.all(files.sort().map((file) => recipe(relative(root, file))));
}

/** One file of the repository, by its path from the root. */
export async function recipe(path: string): Promise<Recipe> {
  const text = await readFile(join(root, path), 'utf8');
  const documents = /\.ya?ml$/.test(path)
    ? [...parseAllDocuments(text)].map((document) => {
        for (const problem of [...document.errors, ...document.warnings]) throw problem;
        return document.toJS();
      })
    : [];
  return { path, text, documents };
}

/**
 * The arguments of every `npm run modelcars -- …` and `npx modelcars@VERSION …` in a file, from the command on; in the
 * YAML of a CI system and in the code of a page also of `modelcars …` at the beginning of a line or `$(`.
 */
export function programLines(one: Recipe): string[][] {
  return scripts(one).flatMap((script) =>
    linesAfter(script, one.path.endsWith('Jenkinsfile') ? named : anyProgram),
  );
}

const npm = 'npm run (?:--silent )?modelcars -- ';
const npx = String.raw`npx (?:--yes |-p node@24 )*(?:-p "?modelcars(?:@[^\s"]+)?"? modelcars|"?modelcars(?:@[^\s"]+)?"?) `;
const named = new RegExp(`${npm}|${npx}`, 'g');
const anyProgram = new RegExp(`${npm}|${npx}|(?<=^ *(?:- |\\$ )?|\\$\\()modelcars (?=[a-z])`, 'gm');

/** The arguments of every `dagger …`. */
export function daggerLines(one: Recipe): string[][] {
  return scripts(one).flatMap((script) =>
    linesAfter(script, /(?<=^|[\s(`])dagger (?=call|check|functions|-m)/gm),
  );
}

/**
 * All text that a shell could run: strings of the YAML, `sh` steps of a Jenkinsfile, code blocks of a Markdown file.
 */
function scripts({ path, text, documents }: Recipe): string[] {
  if (path.endsWith('Jenkinsfile'))
    return [...text.matchAll(/\bsh (?:'''([\s\S]*?)'''|'([^']*)')/g)].map(
      ([, long, short]) => long ?? short ?? '',
    );
  if (path.endsWith('.md'))
    return [...text.matchAll(/```(?:console|sh|bash)\n([\s\S]*?)```|`([^`\n]+)`/g)].map(
      ([, block, code]) => block ?? code ?? '',
    );
  return documents.flatMap(textsOf);
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function linesAfter(script: string, start: RegExp): string[][] {
  // In a here-document, a dollar is escaped with a backslash, and a shell reads the result.
  const text = script.replaceAll('\\$', '$').replaceAll(/\\\n\s*/g, ' ');
  return [...text.matchAll(start)].map((match) => words(text.slice(match.index + match[0].length)));
}

/** A shell's words up to the end of the command; variables stay as names. */
function words(text: string): string[] {
  const found: string[] = [];
  const word = /\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|\$\{[^}]*\}|[^\s"'|&;<>()`])+)/y;
  for (let at = 0; ; at = word.lastIndex) {
    word.lastIndex = at;
    const [whole, one] = word.exec(text) ?? [];
    if (whole === undefined || one === undefined || one.startsWith('#')) return found;
    if (whole.slice(0, whole.indexOf(one)).includes('\n')) return found;
    found.push(one.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, '$1$2'));
  }
}

/** Sample values of the variables in a recipe. */
const samples: [name: RegExp, value: string][] = [
  [/VERSION|TAG/, 'v1.2.3'],
  [/REGISTRY(_IMAGE)?$/, 'registry.example.com/me'],
  [/SHARD/, '1/2'],
  [/SIGN$/, '--sign'],
];

/** A command's words with a value for each variable. */
export function filledIn(line: string[]): string[] {
  return line.map((word) =>
    word.replaceAll(/\$(?:\{(\w+)[^}]*\}|(\w+))/g, (_, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? '';
      return samples.find(([pattern]) => pattern.test(name))?.[1] ?? 'some';
    }),
  );
}
