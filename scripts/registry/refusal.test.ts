import { describe, expect, test } from 'vitest';
import { refuse, startFake, testClient } from '../../tests/support/fake-registry.ts';
import { type RegistryFailure, statusFailure } from './failure.ts';
import type { Account, Refusal } from './refusal.ts';

const none: Account = { kind: 'none' };
const basic: Account = { kind: 'unproven', origin: '/home/me/.docker/config.json' };
const token: Account = { kind: 'proven', origin: 'docker-credential-ecr-login' };
const ecr = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

interface Answer {
  status: number;
  text?: string;
  account?: Account;
  method?: string;
  path?: string;
  registry?: string;
}

function failure({ status, text = '', account = basic, registry = 'quay.io', ...asked }: Answer) {
  const { method = 'PUT', path = '/v2/me/iris/manifests/latest' } = asked;
  const detail = { codes: [], text, retryAfter: undefined, refused: { method, path, account } };
  return statusFailure('tag quay.io/me/iris:latest', registry, status, detail);
}

describe('a refusal', () => {
  // Texts from the registries' sources: Harbor src/server/middleware/{quota,immutable}, Quay endpoints/v2/errors.py;
  // ECR as reported by users.
  test.each<[string, Answer, Refusal | undefined]>([
    ['no credentials', { status: 401, account: none }, 'login'],
    ['no credentials, 403', { status: 403, account: none }, 'login'],
    ['a wrong password', { status: 401 }, 'rejected'],
    ['a token with less scope than asked', { status: 401, account: token }, 'rights'],
    [
      'an ECR denial without credentials',
      { status: 403, account: none, text: 'DENIED: User: x is not authorized to perform: ecr:PutImage' },
      'rights',
    ],
    ['a missing right', { status: 403, text: 'DENIED: requested access is denied' }, 'rights'],
    [
      'an expired ECR password',
      { status: 403, text: 'DENIED: Your authorization token has expired. Reauthenticate and try again.' },
      'rejected',
    ],
    [
      "ECR's immutable tag",
      {
        status: 400,
        text: "TAG_INVALID: The image tag 'latest' already exists in the 'iris' repository and cannot be overwritten because the tag is immutable.",
      },
      'immutable',
    ],
    [
      "Harbor's immutable tag",
      {
        status: 412,
        text: "PRECONDITION: Failed to process request due to 'iris:latest' configured as immutable.",
      },
      'immutable',
    ],
    [
      "Quay's immutable tag",
      { status: 409, text: 'tag is immutable and cannot be overwritten' },
      'immutable',
    ],
    ['an immutable tag without text, 409', { status: 409 }, 'immutable'],
    [
      "Nexus's immutable tag",
      { status: 400, text: 'BAD REQUEST: Repository does not allow updating assets: docker' },
      'immutable',
    ],
    [
      "Harbor's quota",
      {
        status: 403,
        text: 'DENIED: adding 20.3 MiB of storage resource, which when updated to current usage of 300.0 GiB will exceed the configured upper limit of 300.0 GiB.',
      },
      'quota',
    ],
    ["Quay's quota", { status: 403, text: 'DENIED: Quota has been exceeded on namespace' }, 'quota'],
    ['a full disk', { status: 507 }, 'quota'],
    [
      'a rate limit',
      { status: 429, text: 'TOOMANYREQUESTS: You have reached your pull rate limit' },
      undefined,
    ],
    ['a layer that is too large', { status: 413, text: 'exceeds the limit' }, undefined],
    ['a broken manifest', { status: 400, text: 'MANIFEST_INVALID: manifest invalid' }, undefined],
    ['a server error', { status: 500, text: 'quota service is down' }, undefined],
    ['a conflict on a blob', { status: 409, path: '/v2/me/iris/blobs/uploads/1' }, undefined],
  ])('is classified: %s', (_, answer, refusal) => {
    expect(failure(answer).refusal).toBe(refusal);
  });

  test('of a password names its origin', () => {
    expect(failure({ status: 401 }).message).toBe(
      'tag quay.io/me/iris:latest: quay.io rejected the credentials from /home/me/.docker/config.json: 401',
    );
  });

  test.each([
    ['GET', '/v2/me/iris/tags/list', 'ecr:ListImages'],
    ['HEAD', '/v2/me/iris/manifests/v1', 'ecr:BatchGetImage'],
    ['PUT', '/v2/me/iris/manifests/v1', 'ecr:PutImage'],
    ['POST', '/v2/me/iris/blobs/uploads/', 'ecr:InitiateLayerUpload'],
    ['PATCH', '/v2/me/iris/blobs/uploads/1', 'ecr:UploadLayerPart'],
    ['PUT', '/v2/me/iris/blobs/uploads/1', 'ecr:CompleteLayerUpload'],
    ['HEAD', '/v2/me/iris/blobs/sha256:1', 'ecr:BatchCheckLayerAvailability'],
  ])('of %s %s on ECR names the action %s', (method, path, action) => {
    const { message, next } = failure({ status: 403, method, path, registry: ecr });
    expect(message).toContain(`denies this account ${action} on me/iris`);
    expect(next).toContain('/home/me/.docker/config.json');
  });

  test('takes the action from the message of Amazon, also under another host name', () => {
    const text =
      'DENIED: User: arn:aws:sts::1:assumed-role/ci is not authorized to perform: ecr:PutImage on resource: x';
    expect(failure({ status: 403, text }).message).toContain('denies this account ecr:PutImage on me/iris');
  });

  test('of a storage host behind a redirect does not mention the account', () => {
    const refused = { method: 'GET', path: '/x', account: basic };
    const detail = { codes: [], text: '', retryAfter: undefined, by: 's3.example', refused };
    expect(statusFailure('pull', 'quay.io', 403, detail)).toMatchObject({
      message: 'pull: s3.example answered 403',
      refusal: undefined,
    });
  });

  test('is not retried', async () => {
    await using fake = await startFake({ intercept: (_, response) => refuse(response, 507) });
    await using client = testClient();
    const error = await client
      .repository(`${fake.host}/me/iris`)
      .tags()
      .catch((caught: unknown) => caught);
    expect((error as RegistryFailure).refusal).toBe('quota');
    expect(fake.requests.filter(({ path }) => path.includes('/tags/'))).toHaveLength(1);
  });
});
