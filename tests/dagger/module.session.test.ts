/**
 * The session that the other tests rely on: which queries it accepts and which it rejects. Queried by the published
 * SDK.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema, lexicographicSortSchema, parse, print, printSchema, visit } from 'graphql';
import { describe, expect, test } from 'vitest';
import { missingSdk, withSession } from './_module.ts';
import { engineSchema } from './session.ts';

const missing = await missingSdk();

describe.skipIf(missing)('the session', () => {
  test('remembers chains of calls, with the objects that stand among their arguments', async () => {
    await withSession(async ({ dag, session }) => {
      session.answer = ({ field }) => (field === 'stdout' ? 'hello' : undefined);
      const cache = dag.cacheVolume('npm');
      const said = await dag
        .container()
        .from('node:24')
        .withMountedCache('/cache', cache, { sharing: 'LOCKED' })
        .withExec(['echo', 'a "b"', '{"c": 1}'])
        .stdout();
      expect(said).toBe('hello');
      expect(session.asked.at(-1)).toMatchObject({
        field: 'stdout',
        object: {
          type: 'Container',
          calls: [
            { field: 'container', args: {} },
            { field: 'from', args: { address: 'node:24' } },
            {
              field: 'withMountedCache',
              args: {
                path: '/cache',
                cache: { type: 'CacheVolume', calls: [{ field: 'cacheVolume', args: { key: 'npm' } }] },
                sharing: 'LOCKED',
              },
            },
            { field: 'withExec', args: { args: ['echo', 'a "b"', '{"c": 1}'] } },
          ],
        },
      });
      expect(session.refused).toEqual([]);
    });
  });

  test('finds an object again by its ID', async () => {
    await withSession(async ({ dag, session, ask }) => {
      const id = await dag.directory().withNewFile('a', 'b').id();
      const query = `{ node(id: "${id}") { ... on Directory { withoutFile(path: "a") { id } } } }`;
      const { data } = await ask(query);
      expect(session.object(data.node.withoutFile.id).calls).toEqual([
        ...session.object(id).calls,
        { field: 'withoutFile', args: { path: 'a' } },
      ]);
    });
  });

  test.each<[string, string]>([
    ['{ container { nowhere } }', 'Cannot query field "nowhere" on type "Container"'],
    ['{ container { from(adress: "x") { id } } }', 'Unknown argument "adress"'],
    ['{ container { from(address: 3) { id } } }', 'String cannot represent a non string value'],
    ['{ cacheVolume(key: "x", sharing: MINE) { id } }', 'Value "MINE" does not exist in "CacheSharingMode"'],
    ['{ container { withExec { id } } }', 'argument "args" of type "[String!]!" is required'],
    ['{ container { withMountedCache(path: "/", cache: "x") { id } } }', 'no object has the ID x'],
    ['{ container ', 'Syntax Error'],
  ])('refuses %s', async (query, words) => {
    await withSession(async ({ ask, session }) => {
      expect((await ask(query)).errors?.[0]?.message).toContain(words);
      expect(session.refused.join()).toContain(words);
    });
  });

  test('refuses an object of another type than the API expects', async () => {
    await withSession(async ({ dag, session }) => {
      const secret = dag.setSecret('token', 'x') as never;
      const wrong = dag.container().withMountedCache('/', secret);
      await expect(wrong.id()).rejects.toThrow('cache must be a CacheVolume, not a Secret');
      expect(session.refused).toHaveLength(1);
    });
  });

  test('lets no one in without its token', async () => {
    await withSession(async ({ session }) => {
      const { DAGGER_SESSION_PORT: port } = session.env;
      const init = {
        method: 'POST',
        body: '{"query":"{ version }"}',
        headers: { authorization: 'Basic eDo=' },
      };
      expect((await fetch(`http://127.0.0.1:${port}/query`, init)).status).toBe(401);
    });
  });
});

const whole = fileURLToPath(new URL('../../../shared/dagger/schema.graphqls', import.meta.url));

test.skipIf(!existsSync(whole))('its schema is the one of the engine, without descriptions', () => {
  const bare = visit(parse(readFileSync(whole, 'utf8')), {
    enter: (node) => ('description' in node ? { ...node, description: undefined } : undefined),
  });
  expect(sorted(engineSchema)).toEqual(sorted(buildSchema(print(bare))));
});

function sorted(one: typeof engineSchema): string {
  return printSchema(lexicographicSortSchema(one));
}
