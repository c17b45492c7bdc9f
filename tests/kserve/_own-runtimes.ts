/** The frameworks whose ServingRuntime is not KServe's own, with their samples. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { modelcars, root } from '../parts/cli.ts';

const samples = { gguf: 'model.gguf', catboost: 'model.cbm' };

/** A locked catalog of both samples in `folder`, and what `modelcars manifest --with-runtime` prints for it, as a file. */
export async function ownRuntimes(folder: string, registry: string, namespace: string): Promise<string> {
  await mkdir(folder);
  const models = [];
  for (const [framework, file] of Object.entries(samples)) {
    await cp(join(root, 'frameworks', framework, file), join(folder, framework, file));
    const common = { version: 'v1.0.0', base: 'embedded', platforms: ['linux/amd64'] };
    models.push({ name: `own-${framework}`, framework, source: `file:${framework}`, ...common });
  }
  await writeFile(join(folder, 'models.yaml'), stringify({ models }));
  await modelcars(['lock'], { cwd: folder });
  const where = ['--registry', registry, '--namespace', namespace, '--with-runtime'];
  const file = join(folder, 'objects.yaml');
  await writeFile(file, await modelcars(['manifest', ...where], { cwd: folder }));
  return file;
}
