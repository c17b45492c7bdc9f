import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxLines = 300;
const signatures =
  "signatures and their documentation: Dagger's introspector finds an object's functions in one class only";
/** Files that may be longer, each with its reason. */
const exceptions: Readonly<Record<string, string>> = {
  'dagger/src/index.ts': signatures,
  'dagger/src/registry.ts': signatures,
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
