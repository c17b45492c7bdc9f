import type { Container } from '@dagger.io/dagger';
import { type ClusterParts, clusterFlags, engineOf, withKind } from './cluster.ts';
import { modelcars } from './program.ts';

/** In a kind cluster, which is made in a service of the engine, and deleted. */
export function smokedInKind(ready: Container, words: string[], parts: ClusterParts): Container {
  return withKind(ready, engineOf(parts, 'smoke'), parts).withExec(
    modelcars(...words, ...clusterFlags(parts)),
    { useEntrypoint: true },
  );
}

/** By a model server in a pod of its own, as KServe makes it: namespaces, and a user of its own. */
export function smokedLocally(ready: Container, words: string[]): Container {
  return ready.withExec(modelcars(...words, '--local'), { insecureRootCapabilities: true });
}
