import type { Toleration, VolumeMount } from '../model/types.ts';
import { didYouMean } from '../text/suggest.ts';
import { isQualifiedName, labelValue } from './labels.ts';
import { labelName } from './names.ts';
import type { Problem } from './problem.ts';

export const operators = ['Exists', 'Equal'] as const satisfies Toleration['operator'][];
export const effects = [
  'NoSchedule',
  'PreferNoSchedule',
  'NoExecute',
] as const satisfies Toleration['effect'][];

/** The largest UID (apimachinery pkg/util/validation: IsValidUserID), and Kubernetes' largest number of pods. */
export const largestInt32 = 2 ** 31 - 1;

/** What Kubernetes refuses in a toleration (kubernetes pkg/apis/core/validation: ValidateTolerations). */
export function checkToleration(
  toleration: Toleration,
): { field: keyof Toleration; text: string } | undefined {
  const { key, operator = 'Equal', value, effect, tolerationSeconds } = toleration;
  if (key !== undefined && !isQualifiedName(key))
    return { field: 'key', text: 'expected the key of a taint, such as `nvidia.com/gpu`' };
  if (key === undefined && operator !== 'Exists')
    return { field: 'operator', text: 'expected `Exists` without a `key`: it tolerates every taint' };
  if (operator === 'Exists' && value !== undefined && value !== '')
    return {
      field: 'value',
      text: 'a toleration with `operator: Exists` has no value: remove it, or write `Equal`',
    };
  if (value !== undefined && labelValue(value) !== undefined)
    return { field: 'value', text: 'expected at most 63 letters, digits, `-`, `_` and `.`' };
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    return { field: 'tolerationSeconds', text: '`tolerationSeconds` needs `effect: NoExecute`' };
  return undefined;
}

/** The name of a volume. KServe's webhook adds volumes of its own (pkg/constants/constants.go). */
export function volumeName(value: string): Problem | undefined {
  const own = ['kserve-provision-location', 'model-dir', 'model-config', 'cabundle-cert', 'agent-ca-bundle'];
  if (own.includes(value) || value.startsWith('kserve-'))
    return { expected: 'a name that KServe does not use itself' };
  return labelName(value, 'the name of a volume');
}

/** KServe mounts a volume of its own at both (pkg/utils/storage.go: ConfigureModelcarToContainer). */
const model = '/mnt/models';
const parent = '/mnt';

/** Where a volume is mounted in the container of the model server. */
export function mountPath(value: string): Problem | undefined {
  const expected = 'an absolute path in the container, such as `/dev/shm`';
  const path = value.replace(/\/+$/, '');
  if (!value.startsWith('/') || value.includes(':') || value.includes('\0') || value.length > 4096)
    return { expected, hint: didYouMean(value, [`/${value}`]) };
  if (path === '' || path.split('/').includes('..')) return { expected: `${expected} without \`..\`` };
  if (path === parent || path === model || path.startsWith(`${model}/`))
    return { expected: `${expected}, outside \`${model}\`, where the model is` };
  return undefined;
}

/** A path in a volume: relative, without `..` (kubernetes pkg/apis/core/validation: validateLocalDescendingPath). */
export function subPath(value: string): Problem | undefined {
  if (value !== '' && value.length <= 4096 && !value.startsWith('/') && !value.split('/').includes('..'))
    return undefined;
  return { expected: 'a relative path in the volume, without `..`' };
}

/** Mounts of volumes that the pod does not have, and two at one path: the index of each, and why. */
export function checkMounts(
  volumes: readonly string[],
  mounts: readonly VolumeMount[],
): { index: number; field: 'name' | 'mountPath'; text: string }[] {
  return mounts.flatMap(({ name, mountPath }, index) => {
    const wrong: { index: number; field: 'name' | 'mountPath'; text: string }[] = [];
    if (!volumes.includes(name)) {
      const hint = didYouMean(name, volumes);
      wrong.push({
        index,
        field: 'name',
        text: `expected the name of one of \`volumes\`, got \`${name}\`${hint}`,
      });
    }
    if (mounts.slice(0, index).some((other) => other.mountPath === mountPath))
      wrong.push({ index, field: 'mountPath', text: `\`${mountPath}\` has a volume already` });
    return wrong;
  });
}
