import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type FakeModelRegistry,
  type FakeModelRegistryOptions,
  startFakeModelRegistry,
} from '../../tests/support/fake-model-registry.ts';
import { failure } from '../../tests/support/outcome.ts';
import { Transport } from '../http/transport.ts';
import { apiRoots } from './address.ts';
import { ModelRegistryApi } from './api.ts';
import { registerVersion } from './register-version.ts';
import type { Registration } from './types.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;
const wanted: Registration = {
  model: 'iris',
  description: 'Classifies irises',
  version: 'v1.0.0',
  digest,
  uri: `oci://quay.io/me/iris@${digest}`,
  format: { name: 'sklearn', version: '1' },
  properties: { license: 'MIT', task: '' },
};
const real = { dryRun: false };

let intercept: FakeModelRegistryOptions['intercept'];
let fake: FakeModelRegistry;
let transport: Transport;
beforeEach(async () => {
  intercept = undefined;
  fake = await startFakeModelRegistry({ intercept: (...request) => intercept?.(...request) });
  transport = new Transport({ env: {} });
});
afterEach(async () => {
  await transport.close();
  await fake[Symbol.asyncDispose]();
});

function open(signal = new AbortController().signal): ModelRegistryApi {
  return new ModelRegistryApi({
    roots: apiRoots(fake.url),
    token: undefined,
    transport,
    signal,
    retry: { tries: 3, delay: 1 },
  });
}

const creations = ['POST /registered_models', 'POST /model_versions', 'POST /model_versions/ID/artifacts'];
const writes = () => fake.writes().map((line) => line.replace(/\/\d+\//, '/ID/'));

describe('registering a version', () => {
  it('creates model, version and artifact, in this order, and nothing the second time', async () => {
    expect(await registerVersion(open(), wanted, real)).toMatchObject({ created: true });
    expect(writes()).toEqual(creations);
    expect(fake.models).toMatchObject([{ name: 'iris', description: 'Classifies irises', state: 'LIVE' }]);
    expect(fake.versions).toEqual([
      {
        id: expect.any(String),
        name: 'v1.0.0',
        description: 'Classifies irises',
        registeredModelId: fake.models[0]?.id,
        state: 'LIVE',
        // An empty text would be shown as a label.
        customProperties: {
          license: { metadataType: 'MetadataStringValue', string_value: 'MIT' },
          digest: { metadataType: 'MetadataStringValue', string_value: digest },
        },
      },
    ]);
    expect(fake.artifacts).toMatchObject([
      {
        parent: fake.versions[0]?.id,
        artifactType: 'model-artifact',
        name: 'iris',
        uri: wanted.uri,
        modelFormatName: 'sklearn',
        modelFormatVersion: '1',
      },
    ]);
    expect(await registerVersion(open(), wanted, real)).toMatchObject({
      created: false,
      artifact: { uri: wanted.uri },
    });
    expect(writes()).toEqual(creations);
  });

  it('adds a version to an existing model, whose description stays', async () => {
    await registerVersion(open(), wanted, real);
    const next = { ...wanted, version: 'v1.1.0', digest: other, uri: `oci://quay.io/me/iris@${other}` };
    await registerVersion(open(), { ...next, description: 'New words' }, real);
    expect(fake.models).toMatchObject([{ description: 'Classifies irises' }]);
    expect(fake.versions.map(({ name }) => name)).toEqual(['v1.0.0', 'v1.1.0']);
  });

  it('creates nothing in a dry run, and finds what exists', async () => {
    expect(await registerVersion(open(), wanted, { dryRun: true })).toEqual({ created: false });
    await registerVersion(open(), wanted, real);
    const found = await registerVersion(open(), wanted, { dryRun: true });
    expect(found.artifact?.uri).toBe(wanted.uri);
    expect(writes()).toEqual(creations);
  });

  it('accepts the same image in another repository', async () => {
    await registerVersion(open(), wanted, real);
    const promoted = { ...wanted, uri: `oci://quay.io/prod/iris@${digest}` };
    expect(await registerVersion(open(), promoted, real)).toMatchObject({
      created: false,
      artifact: { uri: wanted.uri },
    });
  });

  it('refuses another image for a version, also one that is only begun', async () => {
    const moved = { ...wanted, digest: other, uri: `oci://quay.io/me/iris@${other}` };
    await registerVersion(open(), wanted, real);
    expect(await failure(registerVersion(open(), moved, real))).toMatchObject({
      code: 'tag',
      message: `register ${moved.uri} as iris v1.0.0: the model registry has ${wanted.uri} for this version, and a version never moves`,
    });
    fake.artifacts.length = 0;
    expect((await failure(registerVersion(open(), moved, real))).message).toContain(`has ${digest} for`);
    expect(fake.artifacts).toEqual([]);
  });

  it('completes no version of others, and adds nothing to what is archived', async () => {
    await registerVersion(open(), wanted, real);
    fake.artifacts.length = 0;
    const [model, version] = [fake.models[0], fake.versions[0]];
    if (model === undefined || version === undefined) throw new Error('nothing was registered');
    version.state = 'ARCHIVED';
    expect((await failure(registerVersion(open(), wanted, real))).message).toContain('v1.0.0 is archived');
    model.state = 'ARCHIVED';
    const later = { ...wanted, version: 'v2.0.0' };
    expect((await failure(registerVersion(open(), later, real))).message).toContain('iris is archived');
    [model.state, version.state] = ['LIVE', 'LIVE'];
    version.customProperties = {};
    expect((await failure(registerVersion(open(), wanted, real))).message).toContain('did not begin it');
    expect(fake.artifacts).toEqual([]);
  });

  it('does not mistake names for patterns, or other artifacts for the model', async () => {
    await registerVersion(open(), { ...wanted, model: 'iris-a' }, real);
    await registerVersion(open(), wanted, real);
    fake.models.push({ id: '900', name: 'IRIS' });
    const parent = fake.versions[1]?.id ?? '';
    for (let count = 0; count < 150; count++)
      fake.artifacts.unshift({ id: String(1000 + count), name: `m${count}`, artifactType: 'metric', parent });
    expect(await registerVersion(open(), wanted, real)).toMatchObject({ created: false });
  });
});

describe('a registration that is disturbed', () => {
  it.each([1, 2, 3])('is completed by the next run when it was killed after write %i', async (most) => {
    const kill = new AbortController();
    let count = 0;
    intercept = async (request, response) => {
      if (request.method !== 'POST' || ++count < most) return false;
      await fake.serve(request);
      kill.abort();
      response.destroy();
      return true;
    };
    expect((await failure(registerVersion(open(kill.signal), wanted, real))).code).toBe('cancelled');
    expect(writes()).toHaveLength(most);
    intercept = undefined;
    await registerVersion(open(), wanted, real);
    expect(writes()).toEqual(creations);
    expect([fake.models, fake.versions, fake.artifacts].map(({ length }) => length)).toEqual([1, 1, 1]);
  });

  it.each([
    ['answers are lost', 'lost'],
    ['it answers 503 after the work', 503],
    ['it answers 500 before the work', 500],
  ])('goes on when %s', async (_, how) => {
    const seen = new Set<string>();
    intercept = async (request, response) => {
      const key = `${request.method} ${request.url}`;
      if (seen.has(key)) return false;
      seen.add(key);
      if (how !== 500) await fake.serve(request);
      if (how === 'lost') response.destroy();
      else response.writeHead(Number(how)).end('Datastore service is down');
      return true;
    };
    expect(await registerVersion(open(), wanted, real)).toMatchObject({ artifact: { uri: wanted.uri } });
    expect([fake.models, fake.versions, fake.artifacts].map(({ length }) => length)).toEqual([1, 1, 1]);
  });

  it('happens once when two runs do it, and of two images only one wins', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => registerVersion(open(), wanted, real)));
    expect(runs.map(({ artifact }) => artifact?.id)).toEqual(Array(3).fill(fake.artifacts[0]?.id));
    const race = [digest, other].map((one) => ({
      ...wanted,
      version: 'v2.0.0',
      digest: one,
      uri: `oci://quay.io/me/iris@${one}`,
    }));
    const results = await Promise.allSettled(race.map((one) => registerVersion(open(), one, real)));
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(fake.versions).toHaveLength(2);
    expect(fake.artifacts).toHaveLength(2);
  });

  it('ends when the registry accepts and keeps nothing, or denies what it has', async () => {
    intercept = async (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id: '1', name: 'iris' }));
      return true;
    };
    expect((await failure(registerVersion(open(), wanted, real))).message).toMatch(
      /accepted it, and does not/,
    );
    intercept = undefined;
    fake.models.push({ id: '5', name: 'Iris' });
    intercept = (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(409, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 'Conflict', message: 'exists' }));
      return true;
    };
    expect((await failure(registerVersion(open(), wanted, real))).message).toMatch(/yet it does not find/);
  });
});
