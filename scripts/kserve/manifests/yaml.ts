import { parseAllDocuments, stringify } from 'yaml';
import { ModelcarsError } from '../../errors.ts';
import type { KubernetesObject } from './inference-service.ts';

/** Objects as one YAML file for `kubectl apply -f -`. */
export function toYaml(objects: readonly object[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n');
}

/**
 * The objects of a manifest, including the items of a List; skips empty documents. Fails with code `usage` when it is
 * not a manifest.
 */
export function fromYaml(text: string, where: string): KubernetesObject[] {
  const wrong = (why: string, cause?: unknown) =>
    new ModelcarsError('usage', `read ${where}: ${why}`, {
      next: 'pass a file of Kubernetes objects in YAML',
      cause,
    });
  const objects: KubernetesObject[] = [];
  for (const document of parseAllDocuments(text, { maxAliasCount: 10_000 } as object)) {
    if (!('contents' in document)) continue;
    if (document.errors[0]) throw wrong(document.errors[0].message, document.errors[0]);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) continue;
    const items =
      isObject(value) && value.kind === 'List' ? (value as unknown as { items: unknown[] }).items : [value];
    for (const item of items) {
      if (!isObject(item)) throw wrong('an object has no apiVersion, kind or metadata.name');
      objects.push(item);
    }
  }
  return objects;
}

function isObject(value: unknown): value is KubernetesObject {
  if (typeof value !== 'object' || value === null) return false;
  const { apiVersion, kind, metadata } = value as Partial<KubernetesObject>;
  return (
    typeof apiVersion === 'string' &&
    typeof kind === 'string' &&
    (typeof metadata?.name === 'string' || kind === 'List')
  );
}
