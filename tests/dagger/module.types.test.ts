/** The module as an engine would load it: its types, its functions and what the API makes of them. */
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

  test('are taken by the API of the engine', async () => {
    await withSession(async ({ session }) => {
      const registered = session.object(await module.register());
      expect(session.refused).toEqual([]);
      expect(registered.type).toBe('Module');
      expect(JSON.stringify(registered)).toContain('"policy":"Never"');
    });
  });
});
