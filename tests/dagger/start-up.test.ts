import { expect, test } from 'vitest';
import { skipBrowserTypes } from '../../dagger/src/start-up.ts';

test('types are read without those of browsers', () => {
  const typescript = { sys: { readFile: (path: string) => `text of ${path}` } };
  skipBrowserTypes(typescript);
  const read = (name: string) => typescript.sys.readFile(`/src/node_modules/typescript/lib/${name}`);
  for (const name of ['dom', 'dom.iterable', 'webworker.importscripts', 'scripthost'])
    expect(read(`lib.${name}.d.ts`)).toBe('');
  for (const name of ['lib.es5.d.ts', 'lib.es2022.full.d.ts', 'lib.decorators.d.ts', 'domain.ts'])
    expect(read(name)).toBe(`text of /src/node_modules/typescript/lib/${name}`);
});

test('a TypeScript that reads files otherwise stays as it is', () => {
  for (const other of [{}, { sys: {} }]) {
    skipBrowserTypes(other);
    expect(other).toEqual(structuredClone(other));
  }
});
