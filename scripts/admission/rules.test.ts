import { describe, expect, it } from 'vitest';
import { annotationKey, isQualifiedName, labelKey, labelValue } from './labels.ts';
import { checkMounts, checkToleration, mountPath, subPath, volumeName } from './pods.ts';
import { checkResources, resourceName } from './resources.ts';
import { checkScaling, type Scaling } from './scaling.ts';
import { dataKey, variableName } from './variables.ts';

const long = (length: number) => 'a'.repeat(length);

it.each([
  ['team', true],
  ['example.com/team', true],
  ['Example.com/team', false],
  ['a/b/c', false],
  ['/team', false],
  ['example.com/', false],
  ['-team', false],
  ['te am', false],
  [long(63), true],
  [long(64), false],
  [`${long(253)}/team`, true],
  [`${long(254)}/team`, false],
])('the key of a label can be %s: %s', (key, valid) => {
  expect(isQualifiedName(key)).toBe(valid);
  expect(labelKey(key) === undefined).toBe(valid);
});

it('keys of annotations are compared in lower case', () => {
  expect(annotationKey('OpenShift.io/display-name')).toBeUndefined();
  expect(annotationKey('openshift.io/display name')).toBeDefined();
});

it.each([
  ['', true],
  ['a b', false],
  ['NVIDIA-L4_48G.x', true],
  ['-a', false],
  [long(63), true],
  [long(64), false],
])('the value of a label can be `%s`: %s', (value, valid) => {
  expect(labelValue(value) === undefined).toBe(valid);
});

it.each([
  ['HF_TOKEN', true],
  ['my.var-1', true],
  ['1VAR', false],
  ['A=B', false],
  ['..', false],
  ['PYTHONPATH', false],
  ['PYTHONPATHS', true],
  ['pythonpath', true],
])('a variable can have the name %s: %s', (name, valid) => {
  expect(variableName(name) === undefined).toBe(valid);
});

it.each([
  ['token', true],
  ['tls.crt', true],
  ['to ken', false],
  ['..data', false],
])('a Secret can have the key %s: %s', (key, valid) => {
  expect(dataKey(key) === undefined).toBe(valid);
});

describe('resources', () => {
  it.each([
    ['cpu', true],
    ['ephemeral-storage', true],
    ['hugepages-2Mi', true],
    ['nvidia.com/gpu', true],
    ['gpu', false],
    ['mem', false],
    ['Nvidia.com/gpu', false],
    ['requests.nvidia.com/gpu', false],
  ])('can be %s: %s', (name, valid) => {
    expect(resourceName(name) === undefined).toBe(valid);
  });

  it.each([
    [{ memory: '2Gi' }, { memory: '2Gi' }],
    [{ cpu: '700m' }, { cpu: '0.7' }],
    [{ memory: '1024Mi' }, { memory: '1Gi' }],
    [{ memory: '4Gi' }, {}],
    [{ 'nvidia.com/gpu': '1' }, { 'nvidia.com/gpu': '1' }],
    [undefined, { 'nvidia.com/gpu': '2' }],
  ])('accepts requests %j with limits %j', (requests, limits) => {
    expect(checkResources(requests, limits)).toEqual([]);
  });

  it.each([
    [{ memory: '2049Mi' }, { memory: '2Gi' }, 'memory', 'at most the limit `2Gi`'],
    [{ cpu: '701m' }, { cpu: '0.7' }, 'cpu', 'at most the limit `0.7`'],
    [{ 'nvidia.com/gpu': '1' }, { 'nvidia.com/gpu': '2' }, 'nvidia.com/gpu', 'equal to the limit `2`'],
    [{ 'nvidia.com/gpu': '1' }, {}, 'nvidia.com/gpu', 'put `1` in `limits`'],
    [{ 'hugepages-2Mi': '4Mi' }, {}, 'hugepages-2Mi', 'put `4Mi` in `limits`'],
    [undefined, { 'nvidia.com/gpu': '500m' }, 'nvidia.com/gpu', 'a whole number'],
    [undefined, { memory: '512m' }, 'memory', 'did you mean `512Mi`?'],
  ])('refuses requests %j with limits %j', (requests, limits, resource, text) => {
    expect(checkResources(requests, limits)).toEqual([
      expect.objectContaining({ resource, text: expect.stringContaining(text) }),
    ]);
  });
});

describe('scaling', () => {
  const keda = { 'serving.kserve.io/autoscalerClass': 'keda' };
  const hpa = { 'autoscaling.knative.dev/class': 'hpa.autoscaling.knative.dev' };
  const accepted: Scaling[] = [
    { minReplicas: 2, maxReplicas: 2 },
    { minReplicas: 2, maxReplicas: 0 },
    { minReplicas: 0, maxReplicas: 1 },
    { maxReplicas: 1 },
    { scaleMetric: 'cpu', scaleTarget: 100, deploymentMode: 'Standard' },
    { scaleMetric: 'rps', scaleTarget: 101, deploymentMode: 'Knative' },
    { scaleMetric: 'cpu', deploymentMode: 'Knative', annotations: hpa },
    { scaleTarget: 101 },
    { scaleTarget: 101, deploymentMode: 'Serverless' },
    { annotations: keda },
  ];
  it.each(accepted)('accepts %j', (scaling) => {
    expect(checkScaling(scaling)).toEqual([]);
  });

  const refused: [Scaling, string][] = [
    [{ minReplicas: 3, maxReplicas: 2 }, 'maxReplicas'],
    [{ scaleMetric: 'rps', deploymentMode: 'Standard' }, 'scaleMetric'],
    [{ scaleMetric: 'concurrency', deploymentMode: 'RawDeployment' }, 'scaleMetric'],
    [{ scaleMetric: 'memory', deploymentMode: 'Serverless' }, 'scaleMetric'],
    [{ scaleMetric: 'cpu', annotations: keda }, 'scaleMetric'],
    [{ scaleMetric: 'cpu', scaleTarget: 101 }, 'scaleTarget'],
    [{ scaleTarget: 101, deploymentMode: 'Standard' }, 'scaleTarget'],
  ];
  it.each(refused)('refuses %j', (scaling, field) => {
    expect(checkScaling(scaling).map((one) => one.field)).toEqual([field]);
  });
});

it.each([
  [{ key: 'nvidia.com/gpu', operator: 'Exists' }, undefined],
  [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }, undefined],
  [{ operator: 'Exists' }, undefined],
  [{ key: 'a', effect: 'NoExecute', tolerationSeconds: 60 }, undefined],
  [{ key: 'a b' }, 'key'],
  [{ value: 'present' }, 'operator'],
  [{ key: 'a', operator: 'Exists', value: 'b' }, 'value'],
  [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 60 }, 'tolerationSeconds'],
] as const)('toleration %j: %s', (toleration, field) => {
  expect(checkToleration(toleration)?.field).toBe(field);
});

describe('volumes', () => {
  it.each([
    ['shm', true],
    ['kserve-provision-location', false],
    ['model-dir', false],
    ['Shm', false],
    ['a.b', false],
  ])('can have the name %s: %s', (name, valid) => {
    expect(volumeName(name) === undefined).toBe(valid);
  });

  it.each([
    ['/dev/shm', true],
    ['/mnt/cache', true],
    ['/mnt/models2', true],
    ['/mnt', false],
    ['/mnt/models/', false],
    ['/mnt/models/x', false],
    ['/', false],
    ['dev/shm', false],
    ['/a/../b', false],
    ['/a:b', false],
  ])('can be mounted at %s: %s', (path, valid) => {
    expect(mountPath(path) === undefined).toBe(valid);
  });

  it.each([
    ['chat.jinja', true],
    ['../x', false],
    ['/x', false],
  ])('have the path %s: %s', (path, valid) => {
    expect(subPath(path) === undefined).toBe(valid);
  });

  it('are mounted once at a path, and exist', () => {
    const mount = (name: string, mountPath: string) => ({ name, mountPath });
    expect(
      checkMounts(['shm', 'cache'], [mount('shm', '/a'), mount('cache', '/b'), mount('shm', '/c')]),
    ).toEqual([]);
    expect(checkMounts(['shm'], [mount('shm', '/a'), mount('shn', '/b'), mount('shm', '/a')])).toEqual([
      { index: 1, field: 'name', text: expect.stringContaining('did you mean `shm`?') },
      { index: 2, field: 'mountPath', text: expect.stringContaining('/a') },
    ]);
  });
});
