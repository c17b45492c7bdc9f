/** Kyverno's command line, the judge of the policies that `modelcars policy --kyverno` prints. */
import { join } from 'node:path';
import { goPrograms } from './kube/go.ts';

/** The path of `kyverno`; built from its Go module first if needed. Throws PartMissing without Go. */
export async function kyverno(): Promise<string> {
  const folder = await goPrograms({
    name: 'kyverno',
    module: 'github.com/kyverno/kyverno',
    version: 'v1.19.1',
    packages: ['cmd/cli/kubectl-kyverno'],
  });
  return join(folder, 'kyverno');
}
