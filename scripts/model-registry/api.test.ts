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

function open(more: { url?: string; token?: string } = {}): ModelRegistryApi {
  const { url = fake.url, token } = more;
  return new ModelRegistryApi({
    roots: apiRoots(url),
    token: token === undefined ? undefined : { value: token, origin: 'TOKEN' },
    transport,
    signal: new AbortController().signal,
    retry: { tries: 3, delay: 1 },
  });
}

describe('a failure', () => {
  const answers = (status: number, body = '', headers = {}) => {
    intercept = (_, response) => {
      response.writeHead(status, headers).end(body);
      return true;
    };
  };
  it.each<[number, string, object, string, RegExp]>([
    [401, 'Unauthorized', {}, 'auth', /rejected the token \(401\): token from TOKEN$/],
    [403, 'Forbidden', {}, 'auth', /denies access \(403\)/],
    [
      302,
      '',
      { location: 'https://login.example.com/oauth?state=1' },
      'registry',
      /redirects to https:\/\/login\.example\.com$/,
    ],
    [404, '404 page not found', {}, 'registry', /answered 404, not as a model registry does/],
    [200, '<html>', {}, 'registry', /no JSON object/],
    [200, '{"id":"../../x","name":"iris"}', {}, 'registry', /without a valid id/],
    [
      400,
      '{"code":"Bad Request","message":"bad \\u001b[2J"}',
      {},
      'registry',
      /answered 400 \(bad \\u\{1b\}\[2J\)/,
    ],
    [503, 'Datastore service is down', {}, 'registry', /answered 503 \(Datastore service is down\)/],
  ])('of status %i with %j states what it is', async (status, body, headers, code, message) => {
    answers(status, body, headers);
    const url = `${fake.url}/api/model_registry/v1alpha3`;
    const error = await failure(open({ url, token: 'sha256~secret-of-the-user' }).findModel('iris'));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.next).not.toBe(undefined);
    expect(error.message + error.next).not.toContain('secret-of');
    expect(fake.requests.length).toBe(status === 503 ? 3 : 1);
  });

  it('without a token asks for one; with one it is sent as bearer', async () => {
    answers(401);
    expect((await failure(open().findModel('iris'))).message).toMatch(/requires a token \(401\): no token/);
    intercept = undefined;
    await open({ token: 'abc' }).findModel('iris');
    expect(fake.requests.at(-1)?.headers.authorization).toBe('Bearer abc');
  });

  it('of a closed port ends after two tries', async () => {
    const error = await failure(open({ url: 'http://127.0.0.1:1' }).findModel('iris'));
    expect([error.code, error.message]).toEqual(['network', expect.stringContaining('refuses connections')]);
    expect(error.next).toContain('--model-registry');
  });
});

describe('the version of the API', () => {
  it.each(['v1', 'v1alpha3'] as const)('%s is found, and asked for once', async (version) => {
    await using other = await startFakeModelRegistry({ version });
    other.models.push({ id: '1', name: 'iris' });
    const api = open({ url: other.url });
    const found = await Promise.all([api.findModel('iris'), api.findModel('iris')]);
    expect(found.map((model) => model?.id)).toEqual(['1', '1']);
    expect(other.requests).toHaveLength(3);
  });

  it('is not guessed when the registry fails: a token is missing, or it is starting', async () => {
    await using other = await startFakeModelRegistry({ token: 'abc' });
    expect((await failure(open({ url: other.url }).findModel('iris'))).message).toMatch(
      /^open the model registry: .* requires a token \(401\)/,
    );
    expect(other.requests).toHaveLength(1);
  });
});

describe('the URL', () => {
  const api = '/api/model_registry/v1alpha3';
  it.each([
    ['http://localhost:8080', `http://localhost:8080${api}`],
    ['https://me.example.com/', `https://me.example.com${api}`],
    [`https://me.example.com${api}/`, `https://me.example.com${api}`],
    ['https://me.example.com/proxy', `https://me.example.com/proxy${api}`],
  ])('%s leads to %s', (given, root) => {
    expect(apiRoots(given).map(({ href }) => href)).toContain(root);
  });

  it.each(['quay.io/me', 'ftp://x', 'https://me:secret@example.com', 'https://example.com/?token=secret'])(
    '%s is refused, and shows no secret',
    async (given) => {
      const error = await failure(Promise.resolve().then(() => apiRoots(given)));
      expect(error.code).toBe('usage');
      expect(error.message).not.toContain('secret');
    },
  );
});
