/** The memory of a push does not grow with the catalog by more than what the catalog and its results take. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { modelcars, root } from '../parts/cli.ts';
import { run } from '../parts/run.ts';
import { startFake } from '../support/fake-registry.ts';

const few = 20;
const many = 120;
/** Bytes per model: its entries in models.yaml and the lock, its outcome, and what a run remembers of its files. */
const most = 30_000;

/** Heap in use at the end of an unchanged push of so many models, in bytes. */
async function retained(models: number): Promise<number> {
  await using registry = await startFake();
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-scale-'));
  try {
    const names = Array.from({ length: models }, (_, at) => `m${at}`);
    for (const name of names) {
      await mkdir(join(folder, name));
      for (const file of ['config.json', 'weights.bin'])
        await writeFile(join(folder, name, file), `{}${name}`);
    }
    const entry = (name: string) =>
      `  - {name: ${name}, framework: custom, source: "file:${name}", include: ["**"]}\n`;
    const head = `registry: ${registry.host}/me\nversion: v1.0.0\ndefaults: {base: embedded, platforms: [linux/amd64]}\n`;
    const catalog = join(folder, 'models.yaml');
    await writeFile(catalog, `${head}models:\n${names.map(entry).join('')}`);
    await modelcars(['lock'], { cwd: folder });
    const push = async () =>
      await run(process.execPath, ['--expose-gc', join(root, 'tests/slow/_retained.ts'), catalog], {
        cwd: folder,
        env: { MODELCARS_STORE: join(folder, 'store') },
        timeout: 300_000,
      });
    await push();
    return Number(await push());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test(`an unchanged push keeps at most ${most} bytes per model until it ends`, {
  timeout: 900_000,
}, async () => {
  const [before, after] = [await retained(few), await retained(many)];
  expect(before).toBeGreaterThan(1e6);
  expect((after - before) / (many - few)).toBeLessThan(most);
});
