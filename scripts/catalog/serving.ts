import { z } from 'zod';
import type { ProtocolVersion, Serving } from '../model/types.ts';
import { list } from '../text/format.ts';
import { didYouMean } from '../text/suggest.ts';
import { checked, complain, listOf, oneLine, recordOf, strict } from './fields.ts';

/** Kubernetes object names (RFC 1123 subdomain), as for Secrets, ServiceAccounts and ServingRuntimes. */
const objectName = (expected: string) =>
  checked(
    expected,
    (value) =>
      value.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value)
        ? undefined
        : { expected: `${expected}: lower-case letters, digits, \`-\` and \`.\`` },
    { pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', maxLength: 253 },
  );

/** A Kubernetes quantity (apimachinery pkg/api/resource): `500m`, `2`, `1.5`, `4Gi`. */
const quantityPattern = /^\d{1,15}(\.\d{1,9})?(m|k|Ki|[MGTPE]i?)?$/;
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

const resourceName = checked('a resource such as `cpu`, `memory` or `nvidia.com/gpu`', (value) =>
  /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(value)
    ? undefined
    : { expected: 'a resource such as `cpu`, `memory` or `nvidia.com/gpu`' },
);

const variable = checked('the name of a variable', (value) =>
  /^[-._A-Za-z][-._A-Za-z0-9]{0,255}$/.test(value)
    ? undefined
    : { expected: 'the name of a variable, such as `VLLM_LOGGING_LEVEL`' },
);

const amounts = (describe: string) =>
  recordOf(resourceName, quantity, 'amounts, as in `{cpu: 500m, memory: 2Gi}`')
    .describe(describe)
    .exactOptional();

const badUser = ({ input }: { input?: unknown }) => complain('a UID such as 1001', input);

const protocols = ['v1', 'v2', 'grpc-v1', 'grpc-v2'] as const satisfies ProtocolVersion[];

/** `serving:` of a model or of the defaults. */
export const servingSchema = strict('how the model is served, as in `{args: [--dtype=half]}`', {
  runtime: objectName('the name of a ServingRuntime')
    .describe("ServingRuntime or ClusterServingRuntime instead of the framework's.")
    .exactOptional(),
  modelFormat: oneLine('the name of a model format', 63)
    .describe("Model format instead of the framework's, where that runtime has another name for it: `vLLM`.")
    .exactOptional(),
  protocolVersion: z
    .enum(protocols, {
      error: ({ input }) => complain(`one of ${list(protocols, 'or')}`, input, didYouMean(input, protocols)),
    })
    .describe("Protocol that is requested of the runtime, instead of the framework's: one that it lists.")
    .exactOptional(),
  args: listOf(oneLine('an argument', 4096), 'arguments, as in `[--dtype=half]`')
    .describe('Arguments for the model server, added to those of its runtime.')
    .exactOptional(),
  env: recordOf(variable, oneLine('a value', 4096), 'variables, as in `{OMP_NUM_THREADS: "4"}`')
    .describe('Environment variables of the model server. No secrets: they would appear in the manifest.')
    .exactOptional(),
  resources: strict('resources, as in `{requests: {memory: 2Gi}}`', {
    requests: amounts('What the scheduler sets aside.'),
    limits: amounts('What the server may not exceed; devices such as `nvidia.com/gpu` belong here.'),
  })
    .describe("CPU, memory and devices of the model server, instead of its runtime's.")
    .exactOptional(),
  imagePullSecrets: listOf(objectName('the name of a Secret'), 'names of Secrets, as in `[quay]`')
    .describe("Secrets with the registry's credentials, in the InferenceService's namespace.")
    .exactOptional(),
  serviceAccount: objectName('the name of a ServiceAccount')
    .describe('ServiceAccount of the pod.')
    .exactOptional(),
  runAsUser: z
    .int({ error: badUser })
    .nonnegative({ error: badUser })
    .describe(
      'UID of model server and sidecar, where neither OpenShift nor `uidModelcar` of KServe sets one.',
    )
    .exactOptional(),
});

export type ServingInput = z.infer<typeof servingSchema>;

/** A model's `serving:` over that of the defaults; variables are merged. Undefined when both are absent. */
export function mergeServing(
  defaults: ServingInput | undefined,
  own: ServingInput | undefined,
): Serving | undefined {
  if (defaults === undefined && own === undefined) return undefined;
  const merged = { ...defaults, ...own };
  return {
    ...merged,
    args: merged.args ?? [],
    env: { ...defaults?.env, ...own?.env },
    imagePullSecrets: merged.imagePullSecrets ?? [],
  };
}
