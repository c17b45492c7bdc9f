import type { Problem } from './problem.ts';

const named = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const prefix = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Annotations of one object, names and values, in bytes (apimachinery pkg/api/validation/objectmeta.go). */
export const mostAnnotationBytes = 256 * 1024;

/**
 * A key of labels or annotations, a taint or a resource: `team`, `example.com/team` (apimachinery
 * pkg/util/validation: IsQualifiedName).
 */
export function isQualifiedName(value: string): boolean {
  const parts = value.split('/');
  const name = parts.pop() ?? '';
  const [domain] = parts;
  if (parts.length > 1 || !named.test(name)) return false;
  return domain === undefined || (domain.length <= 253 && prefix.test(domain));
}

/** A key of labels, or of a node selector. */
export function labelKey(value: string): Problem | undefined {
  const expected =
    'the key of a label, such as `team` or `example.com/team`, at most 63 characters after the `/`';
  return isQualifiedName(value) ? undefined : { expected };
}

/** A label's value (IsValidLabelValue); an empty one is valid. */
export function labelValue(value: string): Problem | undefined {
  if (value === '' || named.test(value)) return undefined;
  const expected =
    'the value of a label: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends';
  return { expected };
}

/** A key of annotations, which Kubernetes compares in lower case. */
export function annotationKey(value: string): Problem | undefined {
  const expected =
    'the key of an annotation, such as `example.com/owner`, at most 63 characters after the `/`';
  return isQualifiedName(value.toLowerCase()) ? undefined : { expected };
}
