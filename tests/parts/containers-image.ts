/** The policy check of podman, skopeo and CRI-O: Debian builds its own without sigstore. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { goPrograms } from './kube/go.ts';

/**
 * The program `POLICY REGISTRIES.D REFERENCE`, which exits 0 when the policy allows the image; built from
 * go.podman.io/image when need be. Throws PartMissing without Go.
 */
export async function containersImage(): Promise<string> {
  const main = await readFile(join(import.meta.dirname, 'containers-image', 'main.go'), 'utf8');
  const name = `containers-image-${createHash('sha256').update(main).digest('hex').slice(0, 12)}`;
  const folder = await goPrograms({
    name,
    module: 'go.podman.io/image/v5',
    version: 'v5.42.1',
    packages: ['docker'],
    tags: 'containers_image_openpgp',
    main,
  });
  return join(folder, name);
}
