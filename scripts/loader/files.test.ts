import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loaderFiles } from './files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Run by `npm run schema`, not by the program. */
const schema = 'scripts/catalog/json-schema.ts';

/** All files that these import, statically or dynamically. */
async function reachable(from: string[]): Promise<Set<string>> {
  const found = new Set(from);
  for (const file of found) {
    // A path in a comment or an example may not exist.
    const text = await readFile(join(root, file), 'utf8').catch(() => '');
    for (const [, path = ''] of text.matchAll(/(?:from |import\()'(\.{1,2}\/[^']+\.ts)'/g)) {
      const target = join(dirname(file), path);
      found.add(target);
    }
  }
  return found;
}

it('contains no tests: the program imports every file of scripts/ in it', async () => {
  const paths = (await loaderFiles()).files.map(({ path }) => path);
  const frameworks = paths.filter((path) => /^frameworks\/[^/]+\/framework\.ts$/.test(path));
  const used = await reachable(['scripts/modelcars.ts', schema, ...frameworks]);
  const scripts = paths.filter((path) => path.startsWith('scripts/'));
  expect(scripts.length).toBeGreaterThan(200);
  expect(scripts.filter((path) => !used.has(path))).toEqual([]);
  for (const path of scripts)
    expect(await readFile(join(root, path), 'utf8'), path).not.toMatch(/from '(?:vitest|.*\/tests\/)/);
});
