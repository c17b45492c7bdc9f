import type { KubernetesObject } from '../inference-service.ts';
import { toYaml } from '../yaml.ts';
import { type BaseWriter, sealed } from './generated.ts';

/** A file of a kustomize base. */
export interface BaseFile {
  /** Below the base's folder, with `/`. */
  path: string;
  text: string;
}

/** A model's objects, as `manifest` prints them. */
export interface ModelObjects {
  model: string;
  /** Of its image; a comment of the file, since the digest tells a reader nothing. */
  version?: string;
  /** That comment, in place of the model and its version. */
  title?: string;
  objects: readonly KubernetesObject[];
}

/** The folder of ServingRuntimes, which several models may share. */
export const runtimesFolder = 'runtimes';

/** The name under which kustomize looks first, and the others: two of them in one folder are an error to it. */
export const kustomizationName = 'kustomization.yaml';
export const otherKustomizationNames = ['kustomization.yml', 'Kustomization'];

/** One file per ServingRuntime, and one per model with its other objects, named after it. */
export function objectFiles(manifests: readonly ModelObjects[], by: BaseWriter): BaseFile[] {
  return manifests.flatMap(({ model, version, title: given, objects }) => {
    const own = objects.filter((object) => !isRuntime(object));
    const title = given ?? (version === undefined ? model : `${model} ${version}`);
    return [
      ...objects.filter(isRuntime).map((object) => ({
        path: `${runtimesFolder}/${object.metadata.name}.yaml`,
        text: sealed(toYaml([object]), by),
      })),
      { path: `${model}.yaml`, text: sealed(`# ${title}\n${toYaml(own)}`, by) },
    ];
  });
}

/**
 * The kustomization of a base's object files: runtimes first, then by name, so that a new model adds one line. It sets
 * the namespace, which is in no object: an overlay may set another.
 */
export function kustomization(
  paths: Iterable<string>,
  namespace: string | undefined,
  by: BaseWriter,
): BaseFile {
  const isShared = (path: string) => path.startsWith(`${runtimesFolder}/`);
  const resources = [...new Set(paths)].sort((a, b) =>
    isShared(a) === isShared(b) ? (a < b ? -1 : 1) : isShared(a) ? -1 : 1,
  );
  const object = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    ...(namespace !== undefined && { namespace }),
    resources,
  };
  return { path: kustomizationName, text: sealed(toYaml([object]), by) };
}

function isRuntime({ kind }: KubernetesObject): boolean {
  return kind === 'ServingRuntime';
}
