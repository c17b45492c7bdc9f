import { z } from 'zod';
import { labelKey, labelValue } from '../admission/labels.ts';
import { objectName as objectNameProblem } from '../admission/names.ts';
import { checkToleration, effects, mountPath, operators, subPath, volumeName } from '../admission/pods.ts';
import { checkResources, quantityPattern, resourceName } from '../admission/resources.ts';
import { dataKey, variableName } from '../admission/variables.ts';
import type { Toleration, Volume } from '../model/types.ts';
import { list } from '../text/format.ts';
import { didYouMean } from '../text/suggest.ts';
import { checked, complain, listOf, oneLine, recordOf, strict } from './fields.ts';

/** Kubernetes' fields of a pod, as `serving:` has them: what the API server would refuse is a mistake of the catalog. */

/** Name of a Secret, ServiceAccount, ServingRuntime … */
export const objectName = (expected: string) =>
  checked(expected, (value) => objectNameProblem(value, expected), {
    pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    maxLength: 253,
  });

/** One of a few words. */
export function choice<const T extends readonly string[]>(words: T) {
  return z.enum(words, {
    error: ({ input }) => complain(`one of ${list(words, 'or')}`, input, didYouMean(input, words)),
  });
}

/** A whole number from `least` to `most`. */
export function whole(expected: string, least: number, most: number) {
  const error = ({ input }: { input?: unknown }) => complain(expected, input);
  return z.int({ error }).min(least, { error }).max(most, { error });
}

const yesOrNo = z.boolean({ error: ({ input }) => complain('`true` or `false`', input) });

const badQuantity = ({ input }: { input?: unknown }) =>
  complain('an amount such as `500m`, `2` or `4Gi`', input);
const quantity = z
  .union(
    [
      z.number().nonnegative({ error: badQuantity }),
      z.string().regex(quantityPattern, { error: badQuantity }),
    ],
    { error: badQuantity },
  )
  .transform(String);

const amounts = (describe: string) =>
  recordOf(
    checked('a resource such as `cpu`, `memory` or `nvidia.com/gpu`', resourceName),
    quantity,
    'amounts, as in `{cpu: 500m, memory: 2Gi}`',
  )
    .describe(describe)
    .exactOptional();

export const resources = strict('resources, as in `{requests: {memory: 2Gi}}`', {
  requests: amounts('What the scheduler sets aside.'),
  limits: amounts('What the server may not exceed; devices such as `nvidia.com/gpu` belong here.'),
}).superRefine(({ requests, limits }, context) => {
  for (const { of, resource, text } of checkResources(requests, limits))
    context.addIssue({ code: 'custom', path: [of, resource], message: text });
});

/** Labels of an object, and those that a node has to have. */
export const labels = (expected: string) =>
  recordOf(checked('the key of a label', labelKey), checked('the value of a label', labelValue), expected);

/** Checks that a map has one of these keys, and none besides it. An unknown key is reported alone. */
function exactlyOne(...keys: string[]) {
  const quoted = (words: string[]) =>
    list(
      words.map((word) => `\`${word}\``),
      'and',
    );
  return (value: object, context: z.RefinementCtx) => {
    const given = keys.filter((key) => key in value);
    if (given.length === 1 || context.issues.length > 0) return;
    const got = given.length === 0 ? 'none' : quoted(given);
    context.addIssue({ code: 'custom', message: `expected exactly one of ${quoted(keys)}, got ${got}` });
  };
}

const keyRef = (kind: 'Secret' | 'ConfigMap') =>
  strict(`a key of a ${kind}, as in \`{name: hf, key: token}\``, {
    name: objectName(`the name of a ${kind}`).describe(`A ${kind} in the InferenceService's namespace.`),
    key: checked('a key of its data', dataKey).describe('A key of its data.'),
    optional: yesOrNo.describe('Whether the server starts without it.').exactOptional(),
  })
    .describe(`The value of a key of a ${kind}.`)
    .exactOptional();

const sources = 'where the value comes from, as in `{secretKeyRef: {name: hf, key: token}}`';
const valueFrom = strict(sources, {
  secretKeyRef: keyRef('Secret'),
  configMapKeyRef: keyRef('ConfigMap'),
  fieldRef: strict('a field of the pod, as in `{fieldPath: status.podIP}`', {
    fieldPath: oneLine('a field such as `status.podIP`', 253).describe('As in `status.podIP`.'),
  })
    .describe('A field of the pod.')
    .exactOptional(),
}).superRefine(exactlyOne('secretKeyRef', 'configMapKeyRef', 'fieldRef'));

const variable = 'a text, or `{valueFrom: {secretKeyRef: {name: hf, key: token}}}`';

/** Variables: a text, or Kubernetes' `valueFrom`. */
export const env = recordOf(
  checked('the name of a variable', variableName),
  z.union([oneLine('a value', 4096), strict(variable, { valueFrom })], {
    error: ({ input }) =>
      complain(variable, input, /^(number|boolean)$/.test(typeof input) ? '; put it in quotes' : ''),
  }),
  'variables, as in `{OMP_NUM_THREADS: "4"}`',
);

const toleration = strict('a toleration, as in `{key: nvidia.com/gpu, operator: Exists}`', {
  key: oneLine('the key of a taint', 317)
    .describe('Key of the taint; without one, every taint.')
    .exactOptional(),
  operator: choice(operators).describe('`Equal` (default) or `Exists`.').exactOptional(),
  value: checked('the value of a taint', labelValue).describe('Value of the taint.').exactOptional(),
  effect: choice(effects).describe('Effect of the taint; without one, every effect.').exactOptional(),
  tolerationSeconds: whole('seconds, 0 or more', 0, Number.MAX_SAFE_INTEGER)
    .describe('How long the pod stays after the taint appears; with `NoExecute` only.')
    .exactOptional(),
}).superRefine((value: Toleration, context) => {
  const wrong = checkToleration(value);
  if (wrong !== undefined) context.addIssue({ code: 'custom', path: [wrong.field], message: wrong.text });
});

export const tolerations = listOf(
  toleration,
  'tolerations, as in `[{key: nvidia.com/gpu, operator: Exists}]`',
);

const volumeSources = {
  emptyDir: strict('an empty folder, as in `{medium: Memory, sizeLimit: 8Gi}`', {
    medium: choice(['Memory'])
      .describe('`Memory`: the folder is in RAM, and counts as memory of the pod.')
      .exactOptional(),
    sizeLimit: quantity.describe('The most it can hold.').exactOptional(),
  })
    .describe('An empty folder that ends with the pod.')
    .exactOptional(),
  persistentVolumeClaim: strict('a claim, as in `{claimName: cache}`', {
    claimName: objectName('the name of a PersistentVolumeClaim').describe('A PersistentVolumeClaim.'),
    readOnly: yesOrNo.describe('Whether the pod can only read it.').exactOptional(),
  })
    .describe('A PersistentVolumeClaim in the namespace.')
    .exactOptional(),
  configMap: strict('a ConfigMap, as in `{name: templates}`', {
    name: objectName('the name of a ConfigMap').describe('A ConfigMap.'),
    optional: yesOrNo.describe('Whether the pod starts without it.').exactOptional(),
  })
    .describe('A file for each key of a ConfigMap.')
    .exactOptional(),
  secret: strict('a Secret, as in `{secretName: certificates}`', {
    secretName: objectName('the name of a Secret').describe('A Secret.'),
    optional: yesOrNo.describe('Whether the pod starts without it.').exactOptional(),
  })
    .describe('A file for each key of a Secret.')
    .exactOptional(),
};

const volume = strict('a volume, as in `{name: shm, emptyDir: {medium: Memory}}`', {
  name: checked('the name of a volume', volumeName).describe('Its name, for `volumeMounts`.'),
  ...volumeSources,
}).superRefine(exactlyOne(...Object.keys(volumeSources)));

export const volumes = listOf(
  volume,
  'volumes, as in `[{name: shm, emptyDir: {medium: Memory}}]`',
).superRefine((value: Volume[], context) => {
  for (const [index, { name }] of value.entries())
    if (value.findIndex((other) => other.name === name) < index)
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `\`${name}\` is the name of an earlier volume`,
      });
});

export const volumeMounts = listOf(
  strict('a mount, as in `{name: shm, mountPath: /dev/shm}`', {
    name: checked('the name of a volume', volumeName).describe('One of `volumes`.'),
    mountPath: checked('an absolute path in the container', mountPath).describe('Where the server sees it.'),
    subPath: checked('a relative path in the volume', subPath)
      .describe('A file or folder of the volume.')
      .exactOptional(),
    readOnly: yesOrNo.describe('Whether the server can only read it.').exactOptional(),
  }),
  'mounts, as in `[{name: shm, mountPath: /dev/shm}]`',
);
