/** Models that are not iris, with the requests of their own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { modelcars } from '../parts/cli.ts';
import { mlserver } from '../parts/mlserver.ts';
import { run } from '../parts/run.ts';

const script = fileURLToPath(new URL('own-models.py', import.meta.url));

/**
 * A folder with a locked catalog of: `named`, a pipeline on ten columns of a pandas DataFrame with a request of its own;
 * `other-classes`, the same with wrong expected classes; `unnamed`, which has no request of its own.
 */
export async function ownModels(folder: string): Promise<string> {
  await mkdir(folder);
  const { python } = await mlserver();
  const { columns, classes }: { columns: object; classes: number[] } = JSON.parse(
    await run(python, [script, folder]),
  );
  const model = { framework: 'sklearn', version: 'v1.0.0', base: 'embedded', platforms: ['linux/amd64'] };
  const own = (expected: number[]) => ({
    source: 'file:named',
    smoke: { columns, expect: { classes: expected } },
  });
  const models = [
    { name: 'named', ...model, ...own(classes) },
    { name: 'other-classes', ...model, ...own(classes.toReversed()) },
    { name: 'unnamed', ...model, source: 'file:unnamed' },
  ];
  await writeFile(join(folder, 'models.yaml'), stringify({ models }));
  await modelcars(['lock'], { cwd: folder });
  return folder;
}
