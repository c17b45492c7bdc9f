import { describe, expect, test } from 'vitest';
import {
  contentOf,
  type FakeOptions,
  refuse,
  respond,
  startFake,
  testClient,
} from '../../../tests/support/fake-registry.ts';
import { credentialsFor } from './credentials.ts';

const bytes = Buffer.from('model');
const secret = 's3cret-passw0rd';
const basicHeader = `Basic ${Buffer.from(`me:${secret}`).toString('base64')}`;

interface TokenOptions {
  /** Number of requests for which the first token is valid. */
  uses?: number;
  /** Anonymous token requests are refused. */
  loginOnly?: boolean;
  expiresIn?: number;
}

/** A registry with its own token server, which records its requests. */
function tokenAuth({ uses = Number.POSITIVE_INFINITY, loginOnly = false, expiresIn }: TokenOptions = {}) {
  const asked: {
    method: string;
    search: URLSearchParams;
    authorization: string | undefined;
    form: string;
  }[] = [];
  const left = new Map<string, number>();
  const intercept: FakeOptions['intercept'] = async (request, response, fake) => {
    const url = new URL(request.url ?? '', 'http://fake');
    const { authorization } = request.headers;
    if (url.pathname === '/token') {
      let form = '';
      for await (const chunk of request) form += chunk;
      asked.push({ method: request.method ?? '', search: url.searchParams, authorization, form });
      const good = form.includes('refresh_token=identity') || authorization === basicHeader;
      if (!good && (authorization !== undefined || loginOnly || form)) return refuse(response, 401);
      const token = `token-${asked.length}`;
      left.set(`Bearer ${token}`, asked.length === 1 ? uses : Number.POSITIVE_INFINITY);
      response.end(JSON.stringify({ token, ...(expiresIn === undefined ? {} : { expires_in: expiresIn }) }));
      return true;
    }
    const remaining = left.get(authorization ?? '') ?? 0;
    left.set(authorization ?? '', remaining - 1);
    if (remaining > 0) return false;
    const challenge = `Bearer realm="http://${fake.host}/token",service="fake",scope="repository:me/iris:pull"`;
    return refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': challenge });
  };
  return { asked, intercept };
}

describe('token authentication', () => {
  test('requests one token, for the scope of the operation and with the credential', async () => {
    const { asked, intercept } = tokenAuth();
    await using fake = await startFake({ intercept });
    const credentials = credentialsFor(fake.host, { kind: 'basic', username: 'me', password: secret });
    await using client = testClient({ credentials });
    const repository = client.repository(`${fake.host}/me/iris`);
    await Promise.all([1, 2, 3, 4].map((n) => repository.write(contentOf(Buffer.of(n)))));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ method: 'GET', authorization: basicHeader });
    expect(asked[0]?.search.getAll('scope')).toEqual(['repository:me/iris:pull,push']);
    expect(asked[0]?.search.get('service')).toBe('fake');
  });

  test('is anonymous without a credential, and requests only pull for reading', async () => {
    const { asked, intercept } = tokenAuth();
    await using fake = await startFake({ intercept });
    await using client = testClient();
    expect(await client.repository(`${fake.host}/me/iris`).tags()).toEqual([]);
    expect(asked[0]?.authorization).toBeUndefined();
    expect(asked[0]?.search.getAll('scope')).toEqual(['repository:me/iris:pull']);
  });

  test.each([1, 2])('gets a new token when one expires after %i requests of an upload', async (uses) => {
    const { asked, intercept } = tokenAuth({ uses });
    await using fake = await startFake({ intercept });
    await using client = testClient();
    await client.repository(`${fake.host}/me/iris`).write(contentOf(bytes, { size: bytes.length }));
    expect(fake.blobs.size).toBe(1);
    expect(asked).toHaveLength(2);
  });

  test('replaces an expired token before it is refused', async () => {
    const { asked, intercept } = tokenAuth({ expiresIn: 0.001 });
    await using fake = await startFake({ intercept });
    await using client = testClient();
    const repository = client.repository(`${fake.host}/me/iris`);
    await repository.tags();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await repository.tags();
    expect(asked).toHaveLength(2);
    expect(fake.requests.filter((one) => one.path.includes('/tags/'))).toHaveLength(3);
  });

  test('exchanges an identity token by OAuth2', async () => {
    const { asked, intercept } = tokenAuth({ loginOnly: true });
    await using fake = await startFake({ intercept });
    await using client = testClient({
      credentials: credentialsFor(fake.host, { kind: 'identity', token: 'identity' }),
    });
    await client.repository(`${fake.host}/me/iris`).tags();
    expect(asked[0]).toMatchObject({ method: 'POST', authorization: undefined });
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.form))).toMatchObject({
      grant_type: 'refresh_token',
      scope: 'repository:me/iris:pull',
      service: 'fake',
      refresh_token: 'identity',
    });
  });

  test('does not send an identity token to another host', async () => {
    await using elsewhere = await startFake();
    const intercept: FakeOptions['intercept'] = (request, response, fake) =>
      request.url === '/token'
        ? respond(response, 307, { location: `http://${elsewhere.host}/token` })
        : refuse(response, 401, '', { 'www-authenticate': `Bearer realm="http://${fake.host}/token"` });
    await using fake = await startFake({ intercept });
    const credentials = credentialsFor(fake.host, { kind: 'identity', token: 'identity' });
    await using client = testClient({ credentials });
    await expect(client.repository(`${fake.host}/me/iris`).tags()).rejects.toMatchObject({ code: 'auth' });
    expect(elsewhere.requests).toEqual([]);
  });

  test.each([
    [
      'a wrong password',
      { kind: 'basic', username: 'me', password: 'wrong-password' } as const,
      'rejected the credentials',
    ],
    ['no credential', undefined, 'requires credentials and got none'],
  ])('with %s explains how to log in', async (_, credential, why) => {
    const { asked, intercept } = tokenAuth({ loginOnly: true });
    await using fake = await startFake({ intercept });
    await using client = testClient(credential ? { credentials: credentialsFor(fake.host, credential) } : {});
    const error = await client
      .repository(`${fake.host}/me/iris`)
      .tags()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'auth', message: expect.stringContaining(why) });
    expect((error as { next: string }).next).toContain(`podman login ${fake.host}`);
    expect(JSON.stringify(error) + error).not.toContain('wrong-password');
    expect(asked).toHaveLength(1);
  });

  test('adds the scope of the challenge', async () => {
    const scopes: string[][] = [];
    const intercept: FakeOptions['intercept'] = (request, response, fake) => {
      const url = new URL(request.url ?? '', 'http://fake');
      if (url.pathname === '/token') {
        scopes.push(url.searchParams.getAll('scope'));
        response.end('{"access_token":"t"}');
        return true;
      }
      if (request.headers.authorization) return false;
      const challenge = `Bearer realm="http://${fake.host}/token",scope="repository:inside/name:pull"`;
      return refuse(response, 401, '', { 'www-authenticate': challenge });
    };
    await using fake = await startFake({ intercept });
    await using client = testClient();
    await client.repository(`${fake.host}/me/iris`).tags();
    expect(scopes).toEqual([['repository:inside/name:pull', 'repository:me/iris:pull']]);
  });
});

describe('basic authentication', () => {
  const intercept: FakeOptions['intercept'] = (request, response) =>
    request.headers.authorization !== basicHeader &&
    refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="fake"' });

  test('sends the credential only after a challenge', async () => {
    await using fake = await startFake({ intercept });
    const credentials = credentialsFor(fake.host, { kind: 'basic', username: 'me', password: secret });
    await using client = testClient({ credentials });
    await client.repository(`${fake.host}/me/iris`).write(contentOf(bytes));
    expect(fake.requests[0]?.headers.authorization).toBeUndefined();
    expect(fake.methods()).toBe('POST POST PATCH PUT');
  });

  test('finds a credential again when it has expired', async () => {
    await using fake = await startFake({ intercept });
    let found = 0;
    const find = async () => {
      found++;
      const expires = performance.now() + (found === 1 ? -1 : 60_000);
      return { kind: 'basic' as const, username: 'me', password: secret, expires };
    };
    await using client = testClient({ credentials: { find } });
    const repository = client.repository(`${fake.host}/me/iris`);
    for (let count = 0; count < 3; count++) await repository.tags();
    expect(found).toBe(2);
  });

  test('never gives a credential to another registry', async () => {
    await using fake = await startFake({ intercept });
    const credentials = credentialsFor('quay.io', { kind: 'basic', username: 'me', password: secret });
    await using client = testClient({ credentials });
    await expect(client.repository(`${fake.host}/me/iris`).write(contentOf(bytes))).rejects.toMatchObject({
      code: 'auth',
    });
    expect(fake.requests.every((one) => one.headers.authorization === undefined)).toBe(true);
  });
});

test('an error message from a registry is printed with masked secrets and without URL queries', async () => {
  const echo: FakeOptions['intercept'] = (request, response) => {
    const { authorization } = request.headers;
    if (!authorization) return refuse(response, 401, '', { 'www-authenticate': 'Basic realm="fake"' });
    const message = `no ${secret} ${authorization} at https://s3.example/x?X-Signature=abc\u001b[31m`;
    response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message }] }));
    return true;
  };
  await using fake = await startFake({ intercept: echo });
  const credentials = credentialsFor(fake.host, { kind: 'basic', username: 'me', password: secret });
  await using client = testClient({ credentials });
  const error = await client
    .repository(`${fake.host}/me/iris`)
    .tags()
    .catch((reason: unknown) => reason);
  const { message } = error as Error;
  expect(message).toMatch(/DENIED: no \*{4} Basic bWU6\*{4}[\w=]{0,2} at https:\/\/s3\.example\/x/);
  expect(message).not.toMatch(/s3cret|Signature/);
  expect(message).not.toContain('\u001b');
});
