import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxLines = 300;
/** Files that may be longer, each with its reason. */
const exceptions: Readonly<Record<string, string>> = {
  'dagger/src/index.ts':
    "signatures and their documentation: Dagger's introspector finds a module's functions in one class only",
};

test(`no TypeScript file has more than ${maxLines} lines`, () => {
  const files = globSync('{scripts,tests,dagger/src,bench,base,ci}/**/*.ts', {
    cwd: root,
    exclude: ['**/node_modules'],
  });
  expect(files.length).toBeGreaterThan(500);
  const long = files
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > maxLines);
  const listed = Object.keys(exceptions);
  expect(long.filter(({ file }) => !listed.includes(file))).toEqual([]);
  // An exception that is no longer needed goes.
  expect(long.map(({ file }) => file).sort()).toEqual(listed.sort());
});
