/** The module as an engine would load it: its types, its functions and the API's view of them. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { tryRun } from '../parts/run.ts';
import { checkout, type Module, missingSdk, openModule, withSession } from './_module.ts';

const missing = await missingSdk();
const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));

describe.skipIf(missing)('types', () => {
  test('hold against the published SDK, and a mistake is found', async () => {
    const folder = await checkout();
    try {
      const check = () => tryRun(tsc, ['-p', folder]);
      expect(await check()).toEqual({ code: 0, stdout: '', stderr: '' });
      const index = join(folder, 'src', 'index.ts');
      await writeFile(index, `${await readFile(index, 'utf8')}\ndag.container().from(3);\n`);
      const { code, stdout } = await check();
      expect(code).not.toBe(0);
      expect(stdout).toContain("Argument of type 'number' is not assignable to parameter of type 'string'");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe.skipIf(missing)('functions', () => {
  let module: Module;
  beforeAll(async () => {
    module = await openModule();
  });

  const functions = () => Object.values(module.objects).flatMap((one) => Object.values(one));
  const argumentLists = () => [module.constructorArguments, ...functions().map((one) => one.arguments)];

  test('are taken by the API of the engine', async () => {
    await withSession(async ({ session }) => {
      const registered = session.object(await module.register());
      expect(session.refused).toEqual([]);
      expect(registered.type).toBe('Module');
      expect(JSON.stringify(registered)).toContain('"policy":"Never"');
    });
  });

  test('and fields have no name that Go reserves: its SDK writes them as they are', async () => {
    await withSession(async ({ session }) => {
      const registered = JSON.stringify(session.object(await module.register()));
      const found = registered.matchAll(/"field":"(?:withField|function)","args":\{"name":"([^"]+)"/g);
      const names = [...found].map(([, name = '']) => name);
      expect(names).toEqual(expect.arrayContaining(['golang', 'registry', 'model']));
      const reserved =
        /^(?:break|case|chan|const|continue|default|defer|else|fallthrough|for|func|go|goto|if|import|interface|map|package|range|return|select|struct|switch|type|var)$/;
      expect(names.filter((name) => reserved.test(name))).toEqual([]);
    });
  });

  test('that touch a world outside run each time; the others are remembered', () => {
    const cached = Object.values(module.functions).filter(({ cache }) => cache !== 'never');
    const never = Object.values(module.functions).filter(({ cache }) => cache === 'never');
    const names = (functions: typeof cached) => functions.map(({ name }) => name);
    expect(names(never)).toEqual(
      expect.arrayContaining([
        ...['lock', 'outdated', 'push', 'cache', 'smoke', 'all', 'kind', 'kubeconfig', 'scan'],
        'signatures',
      ]),
    );
    expect(module.objects.Model?.push?.cache).toBe('never');
    for (const object of ['Registry', 'Cluster'])
      for (const { name, cache } of Object.values(module.objects[object] ?? {}))
        expect([object, name, cache]).toEqual([object, name, 'never']);
    expect(names(cached)).toEqual(
      expect.arrayContaining(['list', 'build', 'buildAll', 'verify', 'loader', 'base']),
    );
  });

  test('that make objects are remembered, so that a chain starts the module once', () => {
    // An image is what a push made, and a push runs each time.
    const makers = functions().filter(
      ({ returnType }) => returnType.name !== 'Image' && (returnType.name ?? '') in module.objects,
    );
    expect(makers.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['withBuckets', 'withSigning', 'registry', 'cluster', 'model']),
    );
    expect(makers.filter(({ cache }) => cache)).toEqual([]);
  });

  test('and all of their arguments have a description', () => {
    expect(module.description).not.toBe('');
    const lists = argumentLists();
    const all = [...functions(), ...lists.flatMap((list) => Object.values(list))];
    expect(all.filter(({ description }) => description.trim() === '').map(({ name }) => name)).toEqual([]);
  });

  test('take secrets as secrets only', () => {
    for (const { name, type } of argumentLists().flatMap((list) => Object.values(list))) {
      if (/password|token|secret(?!s)|key|dockerconfig|kubeconfig/i.test(name))
        expect([name, type.name]).toEqual([name, 'Secret']);
    }
  });

  test('take the catalog of the caller, without what is large and not part of it', () => {
    const sources = functions().flatMap(({ name, arguments: list }) =>
      list.source ? [{ ...list.source, of: name }] : [],
    );
    expect(sources.length).toBeGreaterThan(10);
    for (const { of, type, defaultPath, ignore } of sources) {
      expect([of, type.name, defaultPath]).toEqual([of, 'Directory', '/']);
      expect(ignore).toEqual(expect.arrayContaining(['.git', '**/node_modules', 'out']));
    }
  });

  test('take six arguments at most, the module seven; chained objects take the others', () => {
    expect(Object.keys(module.constructorArguments)).toHaveLength(7);
    const long = functions()
      .map((one) => Object.keys(one.arguments))
      .filter(({ length }) => length > 6);
    expect(long).toEqual([]);
    expect(Object.keys(module.objects)).toEqual(
      expect.arrayContaining(['Modelcars', 'Registry', 'Cluster', 'Model', 'Image', 'LayoutSummary']),
    );
  });

  test('have no argument that an engine cannot take', () => {
    // Engine 0.21.8: an argument named json makes loading the module fail.
    expect(argumentLists().flatMap((list) => Object.keys(list))).not.toContain('json');
  });
});
