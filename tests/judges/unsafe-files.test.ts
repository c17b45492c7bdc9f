/** The check for unsafe files beside fickling, picklescan and the official loader of safetensors. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { objectionsTo } from '../../scripts/trust/unsafe-files/judge.ts';
import { minilm } from '../parts/minilm.ts';
import { mlserver } from '../parts/mlserver.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';
import { scannersPython } from '../parts/scanners.ts';
import { walked } from '../support/walked.ts';

/** What the others say; see scanners.py. */
interface Opinion {
  fickling: boolean | null;
  picklescan: number | null;
  safetensors: boolean | null;
}

const lacking = (await missing(mlserver)) ?? (await missing(minilm)) ?? (await missing(scannersPython));
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

describe.skipIf(lacking)('the check for unsafe files', () => {
  let folder: string;
  let opinions: Map<string, Opinion>;
  /** Path → the reasons against a file; empty when it passes. */
  const refused = new Map<string, string[]>();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-unsafe-'));
    const { python } = await mlserver();
    const torch = await minilm();
    // The files of both have other names only where PyTorch or a booster made them.
    await run(torch.python, [script('unsafe-files.py'), folder], { env: torch.env });
    await run(python, [script('unsafe-files.py'), folder]);
    const said: Record<string, Opinion> = JSON.parse(
      await run(await scannersPython(), [script('scanners.py'), folder]),
    );
    opinions = new Map(Object.entries(said));
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = relative(folder, join(entry.parentPath, entry.name));
      const framework = path.includes('torch') ? 'vllm' : 'sklearn';
      const facts = await walked(await readFile(join(folder, path)), path);
      refused.set(
        path,
        objectionsTo(path, facts, { framework }).map(({ why }) => why),
      );
    }
  }, 600_000);
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const pathsOf = (kind: string) => [...refused.keys()].filter((path) => path.startsWith(`${kind}/`));

  test('refuses every hostile file, and what cannot be unpacked', () => {
    expect(pathsOf('hostile').length).toBeGreaterThan(90);
    expect(
      [...pathsOf('hostile'), ...pathsOf('unreadable')].filter((path) => refused.get(path)?.length === 0),
    ).toEqual([]);
  });

  test('passes every harmless file', () => {
    expect(pathsOf('harmless').length).toBeGreaterThan(75);
    expect(pathsOf('harmless').flatMap((path) => refused.get(path)?.map((why) => `${path} ${why}`))).toEqual(
      [],
    );
  });

  test('refuses every hostile file that fickling or picklescan calls unsafe', () => {
    const unsafe = pathsOf('hostile').filter((path) => {
      const { fickling, picklescan } = opinions.get(path) ?? { fickling: null, picklescan: null };
      return fickling === false || (picklescan ?? 0) > 0;
    });
    expect(unsafe.length).toBeGreaterThan(45);
    expect(unsafe.filter((path) => refused.get(path)?.length === 0)).toEqual([]);
    const missed = pathsOf('hostile').filter((path) => !unsafe.includes(path));
    console.log(`unsafe: ${unsafe.length} by scanners; refused here besides: ${missed.join(', ')}`);
  });

  test('agrees with the official loader of safetensors', () => {
    const judged = [...opinions].filter(([, { safetensors }]) => safetensors !== null);
    expect(judged.length).toBeGreaterThanOrEqual(3);
    for (const [path, { safetensors }] of judged)
      expect([path, refused.get(path)?.length === 0]).toEqual([path, safetensors]);
  });
});
