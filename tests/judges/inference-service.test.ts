/** The InferenceService of a model with every field of `serving:`, validated against KServe's definitions of the kind. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import sklearn from '../../frameworks/sklearn/framework.ts';
import { loadCatalog } from '../../scripts/catalog/load.ts';
import { servingSchema } from '../../scripts/catalog/serving.ts';
import { inferenceService } from '../../scripts/kserve/manifests/inference-service.ts';
import { isModel } from '../../scripts/model/catalog-entry.ts';
import { crdJudge } from './_crds.ts';

const judge = await crdJudge();

const definition = (version: string) => ({
  module: 'github.com/kserve/kserve',
  version,
  file: 'config/crd/full/serving.kserve.io_inferenceservices.yaml',
});

/** Fields that only an LLMInferenceService has, and the one that asks for it. */
const ofLLMs = ['kind', 'parallelism', 'router'];

const catalog = `models:
  - name: 7b-chat
    framework: sklearn
    source: file:model
    serving:
      name: chat
      labels: {opendatahub.io/dashboard: "true"}
      annotations: {openshift.io/display-name: "Chat, 7B"}
      deploymentMode: Standard
      storage: oci+native
      runtime: vllm-cuda-runtime
      modelFormat: vLLM
      protocolVersion: v2
      args: [--max-model-len=4096]
      env:
        VLLM_LOGGING_LEVEL: INFO
        HF_TOKEN: {valueFrom: {secretKeyRef: {name: hf, key: token, optional: true}}}
        LEVEL: {valueFrom: {configMapKeyRef: {name: logs, key: level}}}
        POD_IP: {valueFrom: {fieldRef: {fieldPath: status.podIP}}}
      resources:
        requests: {cpu: 500m, memory: 8Gi}
        limits: {memory: 16Gi, nvidia.com/gpu: 1}
      minReplicas: 1
      maxReplicas: 3
      scaleMetric: cpu
      scaleTarget: 80
      nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}
      tolerations:
        - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}
        - {key: spot, value: "true", effect: NoExecute, tolerationSeconds: 60}
      volumes:
        - {name: shm, emptyDir: {medium: Memory, sizeLimit: 8Gi}}
        - {name: cache, persistentVolumeClaim: {claimName: cache, readOnly: true}}
        - {name: templates, configMap: {name: templates, optional: true}}
        - {name: certificates, secret: {secretName: certificates}}
      volumeMounts:
        - {name: shm, mountPath: /dev/shm}
        - {name: templates, mountPath: /etc/templates/chat.jinja, subPath: chat.jinja, readOnly: true}
      imagePullSecrets: [quay]
      serviceAccount: models
      runAsUser: 1001
`;

async function service() {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-serving-'));
  try {
    await writeFile(join(folder, 'models.yaml'), catalog);
    const [model] = (await loadCatalog(join(folder, 'models.yaml'))).models.filter(isModel);
    if (model === undefined) throw new Error('no model');
    const known = Object.keys(servingSchema.shape).filter((field) => !ofLLMs.includes(field));
    expect(Object.keys(model.serving ?? {}).sort()).toEqual(known.sort());
    return inferenceService(model, sklearn, { image: `quay.io/me/chat@sha256:${'0'.repeat(64)}` });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
const object = await service();

describe.skipIf(judge === undefined).each(['v0.16.0', 'v0.20.0'])('KServe %s', (version) => {
  test('has every field', async () => {
    expect(await judge?.(definition(version), object)).toMatchObject({ code: 0, stderr: '' });
  });

  test('rejects a field in another place, and a value of another type', async () => {
    const json = JSON.stringify(object);
    const broken = async (text: string, by: string) => {
      expect(json).toContain(text);
      return (await judge?.(definition(version), JSON.parse(json.replace(text, by))))?.stderr;
    };
    expect(await broken('"nodeSelector"', '"nodeSelektor"')).toContain('spec.predictor.nodeSelektor');
    expect(await broken('"maxReplicas":3', '"maxReplicas":"3"')).toContain('maxReplicas');
    expect(await broken('"scaleMetric":"cpu"', '"scaleMetric":"gpu"')).toContain('scaleMetric');
    expect(await broken('"secretKeyRef"', '"secretRef"')).toContain('secretRef');
  });
});
