import { list } from '../text/format.ts';
import type { Problem } from './problem.ts';

/**
 * Variables that KServe's webhooks refuse in every container, since 0.18 (pkg/validation/env_policy.go:
 * DefaultBlockedEnvVars).
 */
const blocked: readonly string[] = ['PYTHONPATH'];

/** The name of an environment variable (apimachinery pkg/util/validation: IsEnvVarName). */
export function variableName(value: string): Problem | undefined {
  const expected = 'the name of a variable, such as `VLLM_LOGGING_LEVEL`';
  if (blocked.includes(value))
    return { expected: `a variable other than ${list(blocked, 'or')}, which KServe refuses since 0.18` };
  const isName = /^[-._A-Za-z][-._A-Za-z0-9]{0,255}$/.test(value) && value !== '.' && !value.startsWith('..');
  return isName ? undefined : { expected };
}

/** A key of a Secret's or ConfigMap's data (IsConfigMapKey). */
export function dataKey(value: string): Problem | undefined {
  const isKey = /^[-._A-Za-z0-9]{1,253}$/.test(value) && value !== '.' && !value.startsWith('..');
  return isKey ? undefined : { expected: 'a key of its data: letters, digits, `-`, `_` and `.`' };
}
