/** Kubernetes' own code for custom resources: an object against the definition of its kind, as the API server judges it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goModule, goPrograms } from '../parts/kube/go.ts';
import { PartMissing, partsRequired } from '../parts/parts.ts';
import { type Result, tryRun } from '../parts/run.ts';

/** A definition: a file of a Go module. */
export interface Definition {
  module: string;
  version: string;
  file: string;
}

/** The judge; built first if needed. Undefined without Go, unless parts are required. */
export async function crdJudge(): Promise<((of: Definition, object: object) => Promise<Result>) | undefined> {
  const main = await readFile(fileURLToPath(new URL('crds/main.go', import.meta.url)), 'utf8');
  const name = `crds-${createHash('sha256').update(main).digest('hex').slice(0, 12)}`;
  const build = { name, module: 'k8s.io/apiextensions-apiserver', version: 'v0.34.2', main };
  try {
    const program = join(await goPrograms({ ...build, packages: ['.'] }), name);
    return async ({ module, version, file }, object) =>
      await tryRun(program, [join(await goModule(module, version), file), JSON.stringify(object)]);
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return undefined;
  }
}
