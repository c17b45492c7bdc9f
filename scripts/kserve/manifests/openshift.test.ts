import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { draftModel } from '../../../tests/support/draft-model.ts';
import type { Framework, Model, Serving } from '../../model/types.ts';
import { packageFile } from '../../package.ts';
import { inferenceService } from './inference-service.ts';
import { inDashboard, onOpenshift } from './openshift.ts';
import { servedBy } from './served-by.ts';
import { servingObject } from './serving-object.ts';
import { servingRuntime } from './serving-runtimes/index.ts';

const image = `quay.io/me/iris@sha256:${'0'.repeat(64)}`;
const folder = packageFile('frameworks');
const frameworks = new Map<string, Framework>();
for (const entry of readdirSync(folder, { withFileTypes: true })) {
  if (!entry.isDirectory()) continue;
  const module: { default: Framework } = await import(`${folder}/${entry.name}/framework.ts`);
  frameworks.set(entry.name, module.default);
}

function framework(name: string): Framework {
  const found = frameworks.get(name);
  if (found === undefined) throw new Error(`no framework ${name}`);
  return found;
}

const model = (serving?: Partial<Serving>, platforms = ['linux/amd64']): Model =>
  draftModel({ platforms, serving });

const gpu = (device: string) => ({ resources: { limits: { [device]: '1' } } });

describe('the runtime of OpenShift AI', () => {
  it.each([
    ['sklearn', 'mlserver-runtime'],
    ['xgboost', 'mlserver-runtime'],
    ['lightgbm', 'mlserver-runtime'],
    ['onnx', 'kserve-ovms'],
    ['tensorflow', 'kserve-ovms'],
    ['vllm', 'vllm-cpu-x86-runtime'],
  ])('of %s is %s, which lists its format and protocol', (name, runtime) => {
    const chosen = onOpenshift(model(), framework(name));
    const by = servedBy(model(), chosen);
    expect(by.runtime).toBe(runtime);
    const { supportedModelFormats, protocolVersions } = servingRuntime(runtime).spec;
    expect(supportedModelFormats.map((one) => one.name)).toContain(by.modelFormat.name);
    expect(protocolVersions).toEqual(
      by.protocolVersion === undefined ? undefined : expect.arrayContaining([by.protocolVersion]),
    );
    // Arguments are those of KServe's runtime.
    expect(chosen.args).toEqual([]);
  });

  it.each([
    ['nvidia.com/gpu', 'vllm-cuda-runtime'],
    ['nvidia.com/mig-1g.10gb', 'vllm-cuda-runtime'],
    ['amd.com/gpu', 'vllm-rocm-runtime'],
    ['habana.ai/gaudi', 'vllm-gaudi-runtime'],
    ['ibm.com/spyre_vf', 'vllm-spyre-s390x-runtime'],
  ])('of vLLM fits the accelerator %s', (device, runtime) => {
    expect(onOpenshift(model(gpu(device)), framework('vllm')).runtime).toBe(runtime);
  });

  it('of vLLM without accelerator fits the platform', () => {
    expect(onOpenshift(model(undefined, ['linux/s390x']), framework('vllm')).runtime).toBe(
      'vllm-cpu-runtime',
    );
    for (const given of [model(undefined, ['linux/arm64']), model(gpu('gpu.intel.com/i915'))])
      expect(() => onOpenshift(given, framework('vllm'))).toThrow(/OpenShift AI has no vLLM runtime for /);
  });

  it('is known to exist or not for every framework', () => {
    const none = [...frameworks].flatMap(([name, one]) => {
      try {
        return onOpenshift(model(), one).runtime === one.runtime ? [name] : [];
      } catch (error) {
        expect(error).toMatchObject({ message: expect.stringContaining(`for framework ${name}`) });
        return [];
      }
    });
    // It has no runtime of its own anywhere.
    expect(none).toEqual(['custom']);
  });

  it('is the one that the model names, if any', () => {
    expect(onOpenshift(model({ runtime: 'mine' }), framework('pmml')).runtime).toBe('kserve-pmmlserver');
    const own = model({ runtime: 'vllm-cuda-runtime' });
    expect(servedBy(own, onOpenshift(own, framework('vllm')))).toEqual({
      runtime: 'vllm-cuda-runtime',
      modelFormat: { name: 'vLLM' },
    });
  });
});

describe('metadata for the dashboard', () => {
  it('is what a deployment in the dashboard has', () => {
    const service = inDashboard(
      inferenceService(model(), framework('sklearn'), { image }),
      framework('sklearn'),
    );
    expect(service.metadata).toEqual({
      name: 'iris',
      labels: { 'opendatahub.io/dashboard': 'true' },
      annotations: {
        'openshift.io/display-name': 'iris',
        'opendatahub.io/model-type': 'predictive',
        'security.opendatahub.io/enable-auth': 'false',
        'serving.kserve.io/deploymentMode': 'RawDeployment',
      },
    });
  });

  it('leaves an LLMInferenceService protected, and what the object has as it is', () => {
    const object = servingObject(model({ kind: 'LLMInferenceService' }), framework('vllm'), { image });
    const annotations = { 'openshift.io/display-name': 'Iris' };
    const given = { ...object, metadata: { ...object.metadata, annotations } };
    expect(inDashboard(given, framework('vllm')).metadata.annotations).toEqual({
      'openshift.io/display-name': 'Iris',
      'opendatahub.io/model-type': 'generative',
    });
  });
});
