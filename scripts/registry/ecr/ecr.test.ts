import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { denied, type FakeEcr, startEcr } from '../../../tests/parts/ecr.ts';
import { failure } from '../../../tests/support/outcome.ts';
import { Masker } from '../../text/mask.ts';
import { defaultCredentials } from '../auth/credentials.ts';
import { createRepository } from './create.ts';
import { ecrRegistry, isEcr } from './host.ts';
import { ecrLogin } from './login.ts';

const host = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const iris = { registry: host, repository: 'team/iris' };
const publicIris = { registry: 'public.ecr.aws', repository: 'me/team/iris' };
const real = { dryRun: false };
const dry = { dryRun: true };

let ecr: FakeEcr;
beforeEach(async () => {
  ecr = await startEcr();
  const endpoints = { AWS_ENDPOINT_URL_ECR: ecr.endpoint, AWS_ENDPOINT_URL_ECR_PUBLIC: ecr.endpoint };
  for (const [name, value] of Object.entries({ ...ecr.env, ...endpoints, NO_PROXY: '*' }))
    vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ecr[Symbol.asyncDispose]();
});

describe('the host name', () => {
  const region = 'eu-west-1';
  const one = { account: '123456789012', region, fips: false, dualStack: false };
  test.each([
    [host, one],
    ['123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com', { ...one, fips: true }],
    ['123456789012.dkr-ecr.eu-west-1.on.aws', { ...one, dualStack: true }],
    ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', { ...one, region: 'cn-north-1' }],
    ['123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu', { ...one, region: 'eusc-de-east-1' }],
    ['public.ecr.aws', { region: 'us-east-1', fips: false, dualStack: false }],
  ])('%s is of ECR', (name, parts) => {
    expect(ecrRegistry(name)).toEqual({ host: name, ...parts });
  });

  // The password would be sent there.
  test.each([
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example',
    '123456789012.dkr.ecr.eu-west-1.example.com',
    'evil.example/123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    `${host}:8443`,
    '12345.dkr.ecr.eu-west-1.amazonaws.com',
    'quay.io',
  ])('%s is not', (name) => {
    expect(isEcr(name)).toBe(false);
  });
});

describe('a repository', () => {
  test('is created in the account and region of the host name, once', async () => {
    expect(await createRepository(iris, real)).toBe(true);
    expect(await createRepository(iris, real)).toBe(false);
    expect([...ecr.repositories]).toEqual(['team/iris']);
    expect(ecr.calls[0]).toEqual({
      operation: 'CreateRepository',
      service: 'ecr',
      region: 'eu-west-1',
      input: { registryId: '123456789012', repositoryName: 'team/iris' },
    });
  });

  test('is created by one of two jobs, and both go on', async () => {
    const both = await Promise.all([createRepository(iris, real), createRepository(iris, real)]);
    expect(both.toSorted()).toEqual([false, true]);
  });

  test('is only looked for in a dry run', async () => {
    expect(await createRepository(iris, dry)).toBe(true);
    ecr.repositories.add('team/iris');
    expect(await createRepository(iris, dry)).toBe(false);
    expect(ecr.operations()).toEqual(['DescribeRepositories', 'DescribeRepositories']);
  });

  test('of ECR Public is created without its alias', async () => {
    expect(await createRepository(publicIris, dry)).toBe(true);
    expect(await createRepository(publicIris, real)).toBe(true);
    expect(ecr.calls.at(-1)).toMatchObject({
      service: 'ecr-public',
      region: 'us-east-1',
      input: { repositoryName: 'team/iris' },
    });
    const other = await failure(createRepository({ ...publicIris, repository: 'you/wine' }, real));
    expect(other.message).toBe(
      'create repository public.ecr.aws/you/wine: AWS created public.ecr.aws/me/wine',
    );
  });

  test('of another registry makes no call', async () => {
    expect(await createRepository({ registry: 'quay.io', repository: 'me/iris' }, real)).toBe(false);
    expect(ecr.calls).toEqual([]);
  });
});

describe('a failure', () => {
  test.each([
    [real, 'create', 'ecr:CreateRepository'],
    [dry, 'find', 'ecr:DescribeRepositories'],
  ])('%o names the missing right', async (how, verb, action) => {
    ecr.fault = () => denied(action);
    const { code, message, next } = await failure(createRepository(iris, how));
    expect(code).toBe('auth');
    expect(message).toContain(
      `${verb} repository ${host}/team/iris: AWS denies this account ${action}: User: arn:`,
    );
    expect(next).toContain(`allow ${action}`);
  });

  test('without a message names it too, with the prefix of ECR Public', async () => {
    ecr.fault = () => ({ type: 'AccessDeniedException' });
    expect((await failure(createRepository(publicIris, real))).message).toContain('ecr-public:CreateRepo');
    ecr.fault = () => denied('sts:GetServiceBearerToken');
    const login = await failure(ecrLogin()('public.ecr.aws', 'push'));
    expect(login.next).toBe('allow sts:GetServiceBearerToken to the account of the AWS credentials');
  });

  test('of throttling passes after some tries, and is reported after more', async () => {
    let left = 2;
    ecr.fault = () => (left-- > 0 ? { type: 'ThrottlingException', message: 'Rate exceeded' } : undefined);
    expect(await createRepository(iris, real)).toBe(true);
    left = 100;
    const { code, message } = await failure(createRepository(iris, real));
    expect([code, message]).toEqual(['network', expect.stringContaining('still asks to slow down')]);
  });

  test.each<[string, string, string]>([
    ['LimitExceededException', 'limit', 'quota of repositories'],
    ['ExpiredTokenException', 'auth', 'the AWS credentials have expired'],
    [
      'InvalidParameterException',
      'registry',
      'answered 400 (InvalidParameterException: no such \\u{1b} name)',
    ],
  ])('%s has code %s', async (type, code, words) => {
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    ecr.fault = () => ({ type, message: 'no such \u001b name' });
    const error = await failure(createRepository(iris, real));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(words)]);
  });

  test('of wrong, missing and unreachable things says what to set', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAWRONGWRONGWRONG1');
    expect(await failure(createRepository(iris, real))).toMatchObject({
      code: 'auth',
      message: expect.stringContaining('rejected the credentials with access key AKIA****ONG1'),
      next: expect.stringContaining('AWS_SECRET_ACCESS_KEY'),
    });
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', 'http://127.0.0.1:1');
    expect(await failure(createRepository(iris, real))).toMatchObject({
      code: 'network',
      message: expect.stringContaining('127.0.0.1:1 refuses connections'),
      next: expect.stringContaining('AWS_ENDPOINT_URL_ECR'),
    });
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    expect(await failure(createRepository(iris, real))).toMatchObject({
      code: 'auth',
      message: expect.stringContaining('no AWS credentials were found'),
      next: expect.stringContaining('AWS_PROFILE'),
    });
  });
});

describe('a login', () => {
  test('is a token of the registry, requested once for all repositories', async () => {
    const { find } = defaultCredentials({ HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' });
    const found = await Promise.all(['a', 'b', 'c'].map((name) => find(host, name, 'push')));
    for (const one of found)
      expect(one).toMatchObject({ kind: 'basic', username: 'AWS', password: ecr.password });
    expect(ecr.operations()).toEqual(['GetAuthorizationToken']);
    expect(new Masker().mask(`x ${ecr.password} ${process.env.AWS_SECRET_ACCESS_KEY}`)).not.toContain(
      ecr.password.slice(4, -4),
    );
  });

  test('is renewed before the token expires', async () => {
    ecr.lifetime = 0.2;
    const login = ecrLogin();
    await login(host, 'push');
    await new Promise((resolve) => setTimeout(resolve, 250));
    ecr.password = 'the-next-password';
    ecr.lifetime = 3600;
    const renewed = await Promise.all([login(host, 'push'), login(host, 'pull')]);
    expect(renewed).toMatchObject([{ password: ecr.password }, { password: ecr.password }]);
    expect(ecr.calls).toHaveLength(2);
  });

  test('comes after the variables, and is for ECR only; ECR Public is read without', async () => {
    const variables = { MODELCARS_REGISTRY_USERNAME: 'AWS', MODELCARS_REGISTRY_PASSWORD: 'own-password' };
    const { find } = defaultCredentials(variables);
    expect(await find(host, 'iris', 'push')).toMatchObject({ password: 'own-password' });
    expect(await ecrLogin()('quay.io', 'push')).toBeUndefined();
    expect(await ecrLogin()('public.ecr.aws', 'pull')).toBeUndefined();
    expect(ecr.calls).toEqual([]);
    expect(await ecrLogin()('public.ecr.aws', 'push')).toMatchObject({ username: 'AWS' });
  });

  test('without AWS credentials is none; a broken source of them fails', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    expect(await ecrLogin()(host, 'push')).toBeUndefined();
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/ci');
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', '/nonexistent/token');
    const { code, message } = await failure(ecrLogin()(host, 'push'));
    expect([code, message]).toEqual(['auth', expect.stringContaining(`log in to ${host}`)]);
    expect(message).toContain('/nonexistent/token');
  });

  test('with an unusable token fails', async () => {
    ecr.password = '';
    expect((await failure(ecrLogin()(host, 'push'))).message).toContain('returned no token');
  });
});
