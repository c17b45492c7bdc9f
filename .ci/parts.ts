/**
 * Builds the programs that suites wait for, where the cache lacks them: nothing else runs meanwhile, so that no test waits longer for a
 * compiler than its time limit. Usage: node .ci/parts.ts ; exits 1 with the names of what could not be built.
 */

import { controllerProgram, kserveVersions } from '../tests/parts/kube/kserve.ts';
import { nodeArchive } from '../tests/parts/kube/node-image.ts';
import { kubernetesPrograms } from '../tests/parts/kube/programs.ts';
import { kyverno } from '../tests/parts/kyverno.ts';
import { llamaCpp } from '../tests/parts/llamacpp.ts';
import { goPartNames, part } from '../tests/parts/parts.ts';

const builds: [string, () => Promise<unknown>][] = [
  ...goPartNames.map((name): [string, () => Promise<unknown>] => [name, () => part(name)]),
  ['kyverno', kyverno],
  ['llama.cpp', llamaCpp],
  ['kubernetes', kubernetesPrograms],
  ...kserveVersions.map((version): [string, () => Promise<unknown>] => [
    `kserve ${version}`,
    () => controllerProgram(version),
  ]),
  // With what is left of the programs of a cluster.
  ['the image of a kind node', nodeArchive],
];

for (const [name, build] of builds) {
  const start = Date.now();
  try {
    await build();
    console.log(`${name}: ready after ${Math.round((Date.now() - start) / 1000)} s`);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
