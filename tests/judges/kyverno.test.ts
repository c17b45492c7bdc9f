import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCatalog, modelcars } from '../parts/cli.ts';
import { kyverno } from '../parts/kyverno.ts';
import { missingParts, part } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { run, tryRun } from '../parts/run.ts';

const missing = await missingParts('distribution', 'cosign');

const names = ['signed', 'own', 'wrong', 'unsigned', 'attested'] as const;
type Name = (typeof names)[number];

/** What the command line needs to know of a kind that Kubernetes does not have. */
const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: inferenceservices.serving.kserve.io}
spec:
  group: serving.kserve.io
  names: {kind: InferenceService, listKind: InferenceServiceList, plural: inferenceservices, singular: inferenceservice}
  scope: Namespaced
  versions:
    - name: v1beta1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`;

const other = 'docker.io/library/busybox:1';
const pod = (spec: string) => ({ head: 'apiVersion: v1\nkind: Pod', spec });
const server = `containers: [{name: server, image: "${other}"}`;
const service = (predictor: string) => ({
  head: 'apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService',
  spec: `predictor: ${predictor}`,
});
const model = (uri: string) => service(`{model: {modelFormat: {name: sklearn}, storageUri: "${uri}"}}`);

/** Every place where KServe's three modes name an image, by the end of the objects' names. */
const places: Record<string, (image: string) => { head: string; spec: string }> = {
  sidecar: (image) => pod(`${server}, {name: modelcar, image: "${image}"}]`),
  'init-container': (image) => pod(`${server}], initContainers: [{name: a, image: "${image}"}]`),
  'image-volume': (image) =>
    pod(`${server}], volumes: [{name: tmp, emptyDir: {}}, {name: model, image: {reference: "${image}"}}]`),
  oci: (image) => model(`oci://${image}`),
  native: (image) => model(`oci+native://${image}`),
  fetch: (image) => model(`oci+fetch://${image}`),
  'own-predictor': (image) => service(`{sklearn: {storageUri: "oci://${image}"}, tolerations: []}`),
  'several-uris': (image) =>
    service(`{model: {modelFormat: {name: a}}, storageUris: [{uri: "s3://b/c"}, {uri: "oci://${image}"}]}`),
};

/** Objects with which the policy has nothing to do. */
const strangers = {
  'other-image': pod(`${server}]`),
  'web-address': model('https://a.example/m.joblib?x=y&z=1'),
  'own-container': service('{containers: [{name: kserve-container, image: foo}], tolerations: []}'),
};

describe.skipIf(missing)('kyverno', () => {
  let folder: string;
  let registry: Registry;
  let program: string;
  const images = new Map<Name, string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-kyverno-'));
    [program, registry] = await Promise.all([kyverno(), startRegistry({ kind: 'distribution' })]);
    await mkdir(join(folder, 'home'));
    await writeFile(join(folder, 'crd.yaml'), definition);
    await makeCatalog(
      folder,
      names.map((name) => ({ name, framework: 'sklearn', files: { 'model.joblib': name } })),
    );
    const platform = ['--base', 'embedded', '--platform', 'linux/amd64'];
    const to = ['--registry', `${registry.host}/me`, '--json'];
    const { models } = JSON.parse(await modelcars(['push', ...platform, ...to], { cwd: folder }));
    for (const { model, name, digest } of models) images.set(model, `${name}@${digest}`);
    await cosign('generate-key-pair', '--output-key-prefix', 'good');
    await cosign('generate-key-pair', '--output-key-prefix', 'second');
    await cosign('generate-key-pair', '--output-key-prefix', 'bad');
    await sign('sign', 'good', imageOf('signed'));
    await sign('sign', 'bad', imageOf('wrong'));
    const own = ['sign', 'own', '--key', 'good.key', '--registry', `${registry.host}/me`, ...platform];
    await modelcars(own, { cwd: folder, env: environment() });
    await writeFile(join(folder, 'predicate.json'), '{}');
    const provenance = ['--type', 'slsaprovenance1', '--predicate', 'predicate.json'];
    await sign('attest', 'good', ...provenance, imageOf('attested'));
    const catalog = await readFile(join(folder, 'models.yaml'), 'utf8');
    await writeFile(
      join(folder, 'models.yaml'),
      `trust: {signers: [{key: second.pub}, {key: good.pub}]}\n${catalog}`,
    );
  }, 3_600_000);
  afterAll(async () => {
    await registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const environment = () => ({ HOME: join(folder, 'home'), COSIGN_PASSWORD: '' });
  const cosign = async (...args: string[]) =>
    await run(await part('cosign'), args, { cwd: folder, env: environment() });
  const sign = async (verb: string, key: string, ...args: string[]) =>
    await cosign(
      verb,
      '--key',
      `${key}.key`,
      '--use-signing-config=false',
      '--tlog-upload=false',
      '-y',
      ...args,
    );

  function imageOf(name: Name): string {
    const image = images.get(name);
    if (image === undefined) throw new Error(`${name} was not pushed`);
    return image;
  }

  /** Every object: each image in every place, a tag in every place, and strangers. */
  function allObjects(): Map<string, { head: string; spec: string }> {
    const all = new Map(Object.entries(strangers));
    const references: [string, string][] = names.map((name) => [name, imageOf(name)]);
    references.push(['tag', `${registry.host}/me/signed:v1.0.0`]);
    for (const [name, image] of references)
      for (const [place, make] of Object.entries(places)) all.set(`${name}-${place}`, make(image));
    return all;
  }

  const inEveryPlace = (name: string) => Object.keys(places).map((place) => `${name}-${place}`);

  describe.each(['--kyverno', '--kyverno=image-validating'])('policy %s', (kind) => {
    let refused: string[];
    let passed: number;
    let output: string;

    beforeAll(async () => {
      const documents = [...allObjects()].map(
        ([name, { head, spec }]) =>
          `${head}\nmetadata: {name: ${name}, namespace: models}\nspec: {${spec}}\n`,
      );
      await writeFile(join(folder, 'objects.yaml'), documents.join('---\n'));
      const policy = ['policy', kind, '--registry', `${registry.host}/me`];
      await writeFile(join(folder, 'policy.yaml'), await modelcars(policy, { cwd: folder }));
      const resource = ['--resource', 'objects.yaml', '--registry', '--crd-paths', 'crd.yaml'];
      const { stdout, stderr } = await tryRun(program, ['apply', 'policy.yaml', ...resource], {
        cwd: folder,
        env: environment(),
      });
      output = stdout + stderr;
      const lines = output.matchAll(/-> resource models\/\w+\/(\S+) failed:/g);
      refused = [...new Set([...lines].map(([, name = '']) => name))];
      const [, pass, errors] = /pass: (\d+), fail: \d+, warn: \d+, error: (\d+)/.exec(output) ?? [];
      expect(errors, output).toBe('0');
      passed = Number(pass);
    }, 600_000);

    test('admits images that cosign or modelcars signed, and objects that it has nothing to do with', () => {
      const admitted = [...inEveryPlace('signed'), ...inEveryPlace('own'), ...Object.keys(strangers)];
      expect(
        refused.filter((name) => admitted.includes(name)),
        output,
      ).toEqual([]);
      expect(passed, output).toBeGreaterThanOrEqual(2 * inEveryPlace('signed').length);
    });

    test.each(['wrong', 'unsigned', 'attested'])('refuses an image that is %s, in every place', (name) => {
      expect(refused).toEqual(expect.arrayContaining(inEveryPlace(name)));
    });

    test('refuses a tag, which can move after the check', () => {
      expect(refused).toEqual(expect.arrayContaining(inEveryPlace('tag')));
    });
  });
});
