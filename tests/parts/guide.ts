/** The commands of a page of docs/guide, to run them as written. */
import { pages } from './markdown.ts';
import { programLines } from './recipes.ts';

/**
 * The words of every command line of a page, without the program's name; each text of `replace` becomes its value. A
 * command alone in a sentence is none, unless `alone` names it.
 */
export async function guideCommands(
  path: string,
  replace: Record<string, string>,
  alone: readonly string[] = [],
): Promise<string[][]> {
  const page = (await pages()).find((one) => one.path === path);
  if (page === undefined) throw new Error(`${path}: there is no such page`);
  const filled = (word: string) =>
    Object.entries(replace).reduce((text, [from, to]) => text.replace(from, to), word);
  return programLines({ path: 'guide.md', text: page.text, documents: [] })
    .filter(([command = '', ...rest]) => rest.length > 0 || alone.includes(command))
    .map((line) => line.map(filled));
}
