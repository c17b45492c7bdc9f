/** KServe's webhooks and definitions without a cluster: `tests/judges/kserve/main.go`, built against each release. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { goPrograms } from './kube/go.ts';
import { type KServeVersion, kserveManifests } from './kube/kserve.ts';
import { run } from './run.ts';

/** What became of an object that was applied. */
export interface Admission {
  /** Why it was refused. */
  problem?: string;
  /** The object in the cluster: with defaults, and as the webhooks have changed it. */
  stored?: KubernetesObject;
}

const source = fileURLToPath(new URL('../judges/kserve/main.go', import.meta.url));

/** The judge of a release; built first if needed. Throws PartMissing without Go. */
export async function kserveWebhooks(
  version: KServeVersion,
): Promise<(objects: readonly object[]) => Promise<Admission[]>> {
  const main = await readFile(source, 'utf8');
  const name = `kserve-webhooks-${createHash('sha256').update(main).digest('hex').slice(0, 12)}`;
  const module = { module: 'github.com/kserve/kserve', version };
  const program = join(await goPrograms({ name, ...module, packages: ['.'], main }), name);
  const [manifest = ''] = await kserveManifests(version);
  return async (objects) => {
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-webhooks-'));
    try {
      const file = join(folder, 'objects.json');
      await writeFile(file, JSON.stringify(objects));
      return JSON.parse(await run(program, [manifest, file])) as Admission[];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}
