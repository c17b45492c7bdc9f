import { labelKey, labelValue } from '../../admission/labels.ts';
import { labelName } from '../../admission/names.ts';
import { checkToleration, effects } from '../../admission/pods.ts';
import { longestSetName } from '../../kserve/manifests/prefetch/prefetch.ts';
import type { Toleration } from '../../model/types.ts';
import { didYouMean } from '../../text/suggest.ts';
import { groups, list, text, usage } from './option.ts';

const group = groups.nodes;

/** Where `prefetch` pulls, and how. */
export const prefetching = {
  /** Undefined: those of each model's `serving:`. */
  nodeSelector: list(
    'node-selector',
    {
      describe:
        "nodes with this label: KEY=VALUE; may be repeated (default: the model's serving.nodeSelector)",
      group,
    },
    readNodeSelector,
  ),
  tolerations: list(
    'toleration',
    {
      describe:
        "also nodes with this taint: KEY, KEY=VALUE, KEY:EFFECT or KEY=VALUE:EFFECT; may be repeated (default: the model's serving.tolerations)",
      group,
    },
    (given) => (given.length === 0 ? undefined : given.map(readToleration)),
  ),
  /** Undefined: a DaemonSet. */
  nodes: text(
    'job',
    {
      describe:
        'a Job that pulls onto N nodes once (default: a DaemonSet, which also keeps the images there)',
      group,
    },
    readNodes,
  ),
  name: text(
    'set-name',
    {
      describe:
        'how names of the objects begin, for sets of models that are applied separately (default modelcars-prefetch)',
      group,
    },
    readSetName,
  ),
};

function readNodeSelector(given: string[]): Record<string, string> | undefined {
  if (given.length === 0) return undefined;
  const labels: Record<string, string> = {};
  for (const one of given) {
    const at = one.indexOf('=');
    const [key, value] = at < 0 ? [one, undefined] : [one.slice(0, at), one.slice(at + 1)];
    const problem = value === undefined ? { expected: 'KEY=VALUE' } : (labelKey(key) ?? labelValue(value));
    if (problem !== undefined || value === undefined)
      throw usage(
        `--node-selector ${one}: must be ${problem?.expected}`,
        'for example --node-selector pool=gpu',
      );
    if (Object.hasOwn(labels, key) && labels[key] !== value)
      throw usage(`--node-selector ${one}: no node has two values of ${key}`, 'give one of them');
    labels[key] = value;
  }
  return labels;
}

/** In the notation of `kubectl taint`; without a value, every value is tolerated, and without an effect, every effect. */
function readToleration(given: string): Toleration {
  const colon = given.lastIndexOf(':');
  const [taint, effect] = colon < 0 ? [given, undefined] : [given.slice(0, colon), given.slice(colon + 1)];
  const found = effects.find((one) => one === effect);
  if (effect !== undefined && found === undefined)
    throw usage(
      `--toleration ${given}: the effect must be one of ${effects.join(', ')}${didYouMean(effect, effects)}`,
    );
  const equals = taint.indexOf('=');
  const toleration: Toleration = {
    key: equals < 0 ? taint : taint.slice(0, equals),
    ...(equals < 0
      ? { operator: 'Exists' as const }
      : { operator: 'Equal' as const, value: taint.slice(equals + 1) }),
    ...(found && { effect: found }),
  };
  const problem = checkToleration(toleration);
  if (problem !== undefined)
    throw usage(
      `--toleration ${given}: ${problem.text}`,
      'for example --toleration nvidia.com/gpu:NoSchedule',
    );
  return toleration;
}

/** Kubernetes' largest cluster. */
const mostNodes = 5000;

function readNodes(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const nodes = /^\d{1,4}$/.test(given) ? Number(given) : 0;
  if (nodes >= 1 && nodes <= mostNodes) return nodes;
  throw usage(`--job ${given}: must be a number of nodes, from 1 to ${mostNodes}`);
}

function readSetName(given = 'modelcars-prefetch'): string {
  const expected = `at most ${longestSetName} lower-case letters, digits and \`-\``;
  if (given.length <= longestSetName && labelName(given, expected) === undefined) return given;
  throw usage(`--set-name ${given}: must be ${expected}`);
}
