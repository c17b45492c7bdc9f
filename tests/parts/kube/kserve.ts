/** KServe, as its Go module has it: the controller's program and the manifests of a release. */
import { chmod, copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cached } from '../parts.ts';
import { goModule, goPrograms } from './go.ts';

/** KServe releases of the test clusters: a widely used one, and the newest whose module is available. */
export const kserveVersions = ['v0.16.0', 'v0.20.0'] as const;
export type KServeVersion = (typeof kserveVersions)[number];

const module = 'github.com/kserve/kserve';

/** KServe's controller. Throws PartMissing without Go. */
export async function controllerProgram(version: KServeVersion): Promise<string> {
  const build = { name: 'kserve-controller', module, version };
  return join(await goPrograms({ ...build, packages: ['cmd/manager'] }), build.name);
}

/** The controller's image as the release's manifests name it, in the form that a node knows it by. */
export function controllerImage(version: KServeVersion): string {
  return `docker.io/kserve/kserve-controller:${version}`;
}

/** The released kserve.yaml and kserve-cluster-resources.yaml, unchanged. Throws PartMissing without Go. */
export async function kserveManifests(version: KServeVersion): Promise<string[]> {
  const names = ['kserve.yaml', 'kserve-cluster-resources.yaml'];
  const first = await cached(`kserve-manifests-${version}`, names[0] ?? '', async (folder) => {
    const source = join(await goModule(module, version), 'install', version);
    for (const name of names) {
      await copyFile(join(source, name), join(folder, name));
      // So that `cached` takes it for whole.
      await chmod(join(folder, name), 0o755);
    }
  });
  return names.map((name) => join(dirname(first), name));
}
