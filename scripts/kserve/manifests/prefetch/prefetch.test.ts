import { describe, expect, it } from 'vitest';
import { labelName } from '../../../admission/names.ts';
import type { Model, Serving } from '../../../model/types.ts';
import { type Placement, placeModels } from './placement.ts';
import { longestSetName, type PrefetchOptions, type PrefetchPod, prefetchObject } from './prefetch.ts';

const model = (
  name: string,
  serving?: Partial<Serving>,
  platforms = ['linux/amd64', 'linux/arm64'],
): Model => ({
  name,
  framework: 'sklearn',
  source: 'file:model',
  files: {},
  include: [],
  exclude: [],
  tags: [],
  base: 'embedded',
  platforms,
  compression: 'none',
  annotations: {},
  ...(serving && { serving: { args: [], env: {}, imagePullSecrets: [], ...serving } }),
});
const image = (name: string, digit = '0') => ({
  model: name,
  image: `quay.io/me/${name}@sha256:${digit.repeat(64)}`,
});

describe('placeModels', () => {
  const names = (...given: Parameters<typeof placeModels>) =>
    placeModels(...given).map(({ models }) => models.map(({ name }) => name));
  const gpu = { nodeSelector: { pool: 'gpu', zone: 'a' } };

  it('puts models of the same nodes together, in their order', () => {
    const models = [model('iris'), model('llama', gpu), model('wine'), model('qwen', gpu)];
    expect(names(models, {})).toEqual([
      ['iris', 'wine'],
      ['llama', 'qwen'],
    ]);
    expect(placeModels(models, {})[1]?.placement).toEqual({
      ...gpu,
      tolerations: [],
      architectures: ['amd64', 'arm64'],
    });
  });

  it('compares labels whatever their order', () => {
    const turned = { nodeSelector: { zone: 'a', pool: 'gpu' } };
    expect(names([model('llama', gpu), model('qwen', turned)], {})).toEqual([['llama', 'qwen']]);
  });

  it.each([
    ['tolerations', { tolerations: [{ key: 'spot', operator: 'Exists' as const }] }, undefined],
    ['ServiceAccount', { serviceAccount: 'models' }, undefined],
    ['architectures', {}, ['linux/amd64']],
  ])('keeps models of other %s apart', (_, serving, platforms) => {
    expect(names([model('iris'), model('other', serving, platforms)], {})).toHaveLength(2);
  });

  it('takes the nodes that are given for all models', () => {
    const models = [model('iris'), model('llama', gpu)];
    const [only, ...more] = placeModels(models, { nodeSelector: { pool: 'cpu' }, tolerations: [] });
    expect(only?.placement).toMatchObject({ nodeSelector: { pool: 'cpu' } });
    expect(more).toEqual([]);
  });

  it('names an architecture once, whatever its variants', () => {
    const platforms = ['linux/arm64', 'linux/arm64/v8', 'linux/ppc64le'];
    expect(placeModels([model('iris', {}, platforms)], {})[0]?.placement.architectures).toEqual([
      'arm64',
      'ppc64le',
    ]);
  });
});

const placement: Placement = { nodeSelector: {}, tolerations: [], architectures: ['amd64'] };
const make = (
  images: Parameters<typeof prefetchObject>[0],
  options: Partial<PrefetchOptions> = {},
  where = placement,
) => {
  const object = prefetchObject(images, where, { name: 'modelcars-prefetch', pullSecrets: [], ...options });
  const { template } = object.spec as { template: { metadata: object; spec: PrefetchPod } };
  return { object, name: object.metadata.name, pod: template.spec };
};

describe('prefetchObject', () => {
  it('pulls each image by a container that ends at once, and then waits in one of them', () => {
    const { object, pod } = make([image('iris'), image('wine')]);
    expect(object).toMatchObject({ apiVersion: 'apps/v1', kind: 'DaemonSet' });
    expect(pod.initContainers.map(({ name, image, command }) => [name, image, command])).toEqual([
      ['iris', image('iris').image, ['sh', '-c', 'exit 0']],
      ['wine', image('wine').image, ['sh', '-c', 'exit 0']],
    ]);
    expect(pod.containers).toMatchObject([
      { name: 'hold', image: image('iris').image, command: ['sh', '-c', 'sleep infinity'] },
    ]);
  });

  it('gives containers different names, whatever the models are called', () => {
    const { initContainers, containers } = make([image('hold'), image('hold-on')]).pod;
    const names = [...initContainers, ...containers].map(({ name }) => name);
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(labelName(name, '')).toBeUndefined();
  });

  it('keeps the name of a DaemonSet when its images change, and not that of a Job', () => {
    const [old, young] = [image('iris', '1'), image('iris', '2')];
    expect(make([old]).name).toBe(make([young]).name);
    expect(make([old], { nodes: 1 }).name).toBe(make([old], { nodes: 1 }).name);
    expect(make([old], { nodes: 1 }).name).not.toBe(make([young], { nodes: 1 }).name);
    const elsewhere = { ...placement, architectures: ['arm64'] };
    expect(make([old], {}, elsewhere).name).not.toBe(make([old]).name);
  });

  it('has a name that every label of a pod can hold', () => {
    const { name } = make([image('iris')], { name: 'a'.repeat(longestSetName), nodes: 2 });
    expect(labelName(name, '')).toBeUndefined();
    expect(name).toHaveLength(63);
  });

  it('selects its own pods only', () => {
    const { object } = make([image('iris')]);
    const { selector, template } = object.spec as {
      selector: { matchLabels: object };
      template: { metadata: { labels: object } };
    };
    expect(template.metadata.labels).toEqual(selector.matchLabels);
    expect(Object.values(selector.matchLabels)).toContain(object.metadata.name);
  });

  it('runs on nodes of the labels, taints and architectures alone, with the secrets', () => {
    const where = {
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'gpu', operator: 'Exists' as const }],
      architectures: ['amd64', 's390x'],
      serviceAccount: 'models',
    };
    const { pod } = make([image('iris')], { pullSecrets: ['quay'], namespace: 'models' }, where);
    expect(pod).toMatchObject({
      serviceAccountName: 'models',
      imagePullSecrets: [{ name: 'quay' }],
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
    });
    expect(JSON.stringify(pod.affinity)).toContain(
      '"kubernetes.io/arch","operator":"In","values":["amd64","s390x"]',
    );
    expect(make([image('iris')]).pod).not.toHaveProperty('imagePullSecrets');
  });

  it('is a Job on as many nodes as asked for, whose pods end', () => {
    const { object, pod } = make([image('iris')], { nodes: 3 });
    expect(object).toMatchObject({ kind: 'Job', spec: { completions: 3, parallelism: 3 } });
    expect(pod.restartPolicy).toBe('OnFailure');
    expect(pod.containers[0].command[2]).toMatch(/^sleep \d+$/);
    expect(pod.affinity).toHaveProperty('podAntiAffinity');
    expect(make([image('iris')], { nodes: 1 }).pod.affinity).not.toHaveProperty('podAntiAffinity');
  });
});
