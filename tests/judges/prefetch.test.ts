/** What `modelcars prefetch` prints, decoded strictly by Kubernetes' own types, and its pods judged by Pod Security. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { placeModels } from '../../scripts/kserve/manifests/prefetch/placement.ts';
import { prefetchObject } from '../../scripts/kserve/manifests/prefetch/prefetch.ts';
import { toYaml } from '../../scripts/kserve/manifests/yaml.ts';
import type { Model } from '../../scripts/model/types.ts';
import { goPrograms } from '../parts/kube/go.ts';
import { PartMissing, partsRequired } from '../parts/parts.ts';
import { tryRun } from '../parts/run.ts';

const main = await readFile(fileURLToPath(new URL('prefetch/main.go', import.meta.url)), 'utf8');
const name = `prefetch-${createHash('sha256').update(main).digest('hex').slice(0, 12)}`;

/** Builds the judge; undefined without Go, unless parts are required. */
async function program(): Promise<string | undefined> {
  const module = { module: 'k8s.io/pod-security-admission', version: 'v0.34.1' };
  try {
    return join(await goPrograms({ name, ...module, packages: ['.'], main }), name);
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return undefined;
  }
}
const judge = await program();
const check = async (text: string) => await tryRun(judge ?? '', [text]);

const model: Model = {
  name: 'llama',
  framework: 'vllm',
  source: 'hf://me/llama',
  files: {},
  include: [],
  exclude: [],
  tags: [],
  base: 'embedded',
  platforms: ['linux/amd64', 'linux/arm64/v8'],
  compression: 'none',
  annotations: {},
  serving: {
    args: [],
    env: {},
    imagePullSecrets: ['quay'],
    serviceAccount: 'models',
    nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-L4' },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  },
};
const [{ placement } = { placement: undefined }] = placeModels([model], {});
if (placement === undefined) throw new Error('no placement');
const image = (name: string) => ({ model: name, image: `quay.io/me/${name}@sha256:${'0'.repeat(64)}` });
const options = { name: 'modelcars-prefetch', namespace: 'models', pullSecrets: ['quay'] };
const printed = toYaml([
  prefetchObject([image('llama'), image('hold')], placement, options),
  prefetchObject([image('llama')], placement, { ...options, nodes: 3 }),
]);

test.skipIf(judge === undefined)(
  'a DaemonSet and a Job with every field are valid and restricted',
  async () => {
    expect(await check(printed)).toEqual({ code: 0, stdout: '2\n', stderr: '' });
  },
);

test.skipIf(judge === undefined).each([
  ['terminationGracePeriodSeconds', 'terminationGraceSeconds', 'unknown field'],
  ['maxUnavailable', 'mostUnavailable', 'unknown field'],
  ['completions', 'completion', 'unknown field'],
  ['runAsNonRoot: true', 'runAsNonRoot: false', 'runAsNonRoot != true'],
  ['- ALL', '- CHOWN', 'unrestricted capabilities'],
  ['type: RuntimeDefault', 'type: Unconfined', 'seccompProfile'],
  ['memory: 15Mi', 'memory: 1Gi', 'requests 10m and 1Gi'],
])('%s written %s is reported', async (right, wrong, words) => {
  expect(printed).toContain(right);
  const { code, stderr } = await check(printed.replace(right, wrong));
  expect([code, stderr]).toEqual([1, expect.stringContaining(words)]);
});
