/** The fields of `serving:` that an LLMInferenceService has and an InferenceService does not, under KServe's names. */
import { z } from 'zod';
import { servingKinds } from '../model/llm-serving.ts';
import { list } from '../text/format.ts';
import { didYouMean } from '../text/suggest.ts';
import { checked, complain, listOf, strict } from './fields.ts';

const most = 4096;
const badCount = ({ input }: { input?: unknown }) => complain(`a whole number from 1 to ${most}`, input);
const count = (describe: string) =>
  z
    .int({ error: badCount })
    .min(1, { error: badCount })
    .max(most, { error: badCount })
    .describe(describe)
    .exactOptional();

const badPort = ({ input }: { input?: unknown }) => complain('a port', input);
const port = z
  .int({ error: badPort })
  .min(1, { error: badPort })
  .max(65_535, { error: badPort })
  .describe('Port of data parallelism, 5555 by default.')
  .exactOptional();

/** `validateWorkloadParallelism` of KServe's webhook, and what its integer division would lose. */
const parallelism = strict('parallelism, as in `{tensor: 2}`', {
  tensor: count('GPUs of one replica that share each layer.'),
  data: count('Copies of the model in one replica, over all its pods; with `dataLocal`.'),
  dataLocal: count('Those in each pod.'),
  dataRPCPort: port,
  expert: z
    .boolean({ error: ({ input }) => complain('true or false', input) })
    .describe('Whether the experts of a mixture are spread over the GPUs; with `data`.')
    .exactOptional(),
}).superRefine(({ data, dataLocal, dataRPCPort, expert }, context) => {
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  if (data !== undefined && dataLocal === undefined)
    refuse('data', 'requires `dataLocal`, the number of copies in each pod');
  if (data === undefined && dataLocal !== undefined)
    refuse('dataLocal', 'requires `data`, the number of copies over all pods');
  if (data !== undefined && dataLocal !== undefined && data % dataLocal !== 0)
    refuse('data', `expected a multiple of dataLocal (${dataLocal}), got \`${data}\``);
  if (data !== undefined) return;
  // Only KServe's presets for data parallelism read them.
  if (expert) refuse('expert', 'requires `data` and `dataLocal`');
  if (dataRPCPort !== undefined) refuse('dataRPCPort', 'requires `data` and `dataLocal`');
});

const label = (expected: string) =>
  checked(expected, (value) =>
    value.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value)
      ? undefined
      : { expected: `${expected}: at most 63 lower-case letters, digits and \`-\`` },
  );
const gatewayName = checked('the name of a Gateway', (value) =>
  value.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value)
    ? undefined
    : { expected: 'the name of a Gateway: lower-case letters, digits, `-` and `.`' },
);
const gateway = strict('`{}`, or `{refs: [{name: NAME, namespace: NAMESPACE}]}`', {
  refs: listOf(
    strict('a Gateway, as in `{name: inference, namespace: gateways}`', {
      name: gatewayName,
      namespace: label('the name of a namespace'),
    }),
    'Gateways, as in `[{name: inference, namespace: gateways}]`',
  )
    .describe("Gateways instead of the cluster's own.")
    .exactOptional(),
});
const empty = (what: string) => strict(`\`{}\`, for ${what}`, {});

const router = strict('a router, as in `{gateway: {}, route: {}, scheduler: {}}`', {
  gateway: gateway.describe("`{}` for the cluster's Gateway.").exactOptional(),
  route: empty("KServe's HTTPRoute").describe('`{}` for an HTTPRoute made by KServe.').exactOptional(),
  scheduler: empty("KServe's scheduler")
    .describe('`{}` for the scheduler that chooses a replica by load and cached prefixes.')
    .exactOptional(),
});

export const llmFields = {
  kind: z
    .enum(servingKinds, {
      error: ({ input }) => complain(list(servingKinds, 'or'), input, didYouMean(input, servingKinds)),
    })
    .describe('`InferenceService`, or `LLMInferenceService` for vLLM on KServe 0.18 and newer.')
    .exactOptional(),
  parallelism: parallelism
    .describe("How vLLM spreads over GPUs and pods: KServe's field of an LLMInferenceService.")
    .exactOptional(),
  router: router
    .describe(
      "How an LLMInferenceService is reached: KServe's field; by default all three. `{}` for a Service alone.",
    )
    .exactOptional(),
};
