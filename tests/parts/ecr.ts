/** Amazon's ECR and ECR Public APIs (JSON 1.1 over HTTP) for tests: repositories and logins, and faults on demand. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface EcrCall {
  /** `CreateRepository`. */
  operation: string;
  /** Of the signature: `ecr` or `ecr-public`, and its region. */
  service: string;
  region: string;
  input: Record<string, unknown>;
}

/** An error response in place of the regular one. */
export interface EcrFault {
  status?: number;
  type: string;
  message?: string;
}

export interface FakeEcr extends AsyncDisposable {
  /** For AWS_ENDPOINT_URL_ECR. */
  endpoint: string;
  /** The same, for a server of the test's own. */
  listener: RequestListener;
  /** The variables of an account that may call it; removes those of the developer's own account. */
  env: Record<string, string | undefined>;
  /** The password of a login, and the seconds that it is valid. */
  password: string;
  lifetime: number;
  /** Names of the repositories, as in the API. */
  repositories: Set<string>;
  calls: EcrCall[];
  /** The operations called, in order. */
  operations(): string[];
  /** Decides on a fault for each call; it may change `repositories` first, as another job would. */
  fault: (call: EcrCall) => EcrFault | undefined;
}

const account = '123456789012';
const targets: Record<string, string> = {
  AmazonEC2ContainerRegistry_V20150921: 'ecr',
  SpencerFrontendService: 'ecr-public',
};

/** What Amazon answers when a policy lacks an action. */
export const denied = (action: string): EcrFault => ({
  type: 'AccessDeniedException',
  message: `User: arn:aws:sts::${account}:assumed-role/ci/build is not authorized to perform: ${action} on resource: arn:aws:ecr:eu-west-1:${account}:repository/team/iris because no identity-based policy allows the ${action} action`,
});

/** Starts one on a free port of 127.0.0.1. `alias`: the account's in ECR Public. */
export async function startEcr({ alias = 'me' } = {}): Promise<FakeEcr> {
  const secret = randomBytes(20).toString('hex');
  const accessKey = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`;
  const listener: RequestListener = async (request, response) => {
    const target = /^(\w+)\.(\w+)$/.exec(String(request.headers['x-amz-target']));
    const [, prefix = '', operation = ''] = target ?? [];
    const input = (await json(request).catch(() => ({}))) as Record<string, unknown>;
    const signature = signatureOf(request);
    const service = targets[prefix];
    if (signature === undefined)
      return fail(response, { type: 'MissingAuthenticationTokenException', message: 'Missing token' });
    if (signature.service !== service || signature.accessKey !== accessKey)
      return fail(response, {
        type: 'UnrecognizedClientException',
        message: 'The security token included in the request is invalid.',
      });
    const call = { operation, service, region: signature.region, input };
    ecr.calls.push(call);
    const fault = ecr.fault(call);
    if (fault !== undefined) return fail(response, fault);
    answer(call, response);
  };
  const answer = ({ operation, service, region, input }: EcrCall, response: ServerResponse) => {
    const isPublic = service === 'ecr-public';
    const uri = (name: string) =>
      isPublic ? `public.ecr.aws/${alias}/${name}` : `${account}.dkr.ecr.${region}.amazonaws.com/${name}`;
    if (operation === 'GetAuthorizationToken') {
      const data = {
        authorizationToken: Buffer.from(`AWS:${ecr.password}`).toString('base64'),
        expiresAt: Date.now() / 1000 + ecr.lifetime,
      };
      return send(response, 200, { authorizationData: isPublic ? data : [data] });
    }
    const name = String(input.repositoryName ?? (input.repositoryNames as string[] | undefined)?.[0]);
    const named = `repository with name '${name}'`;
    const exists = ecr.repositories.has(name);
    if (operation === 'DescribeRepositories') {
      if (exists) return send(response, 200, { repositories: [{ repositoryUri: uri(name) }] });
      return fail(response, {
        type: 'RepositoryNotFoundException',
        message: `The ${named} does not exist in the registry with id '${account}'`,
      });
    }
    if (operation !== 'CreateRepository') return fail(response, { type: 'UnknownOperationException' });
    if (exists)
      return fail(response, {
        type: 'RepositoryAlreadyExistsException',
        message: `The ${named} already exists in the registry with id '${account}'`,
      });
    ecr.repositories.add(name);
    return send(response, 200, { repository: { repositoryName: name, repositoryUri: uri(name) } });
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ecr: FakeEcr = {
    endpoint,
    listener,
    env: {
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_SESSION_TOKEN: undefined,
      AWS_PROFILE: undefined,
      AWS_REGION: undefined,
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    password: randomBytes(30).toString('base64url'),
    lifetime: 12 * 3600,
    repositories: new Set(),
    calls: [],
    operations: () => ecr.calls.map(({ operation }) => operation),
    fault: () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return ecr;
}

/** The scope of a Signature Version 4; undefined unless it signs the host and the operation. */
function signatureOf({ headers }: IncomingMessage) {
  const [, accessKey = '', region = '', service = '', signed = ''] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/\d{8}\/([\w-]+)\/([\w-]+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=[0-9a-f]{64}$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const names = signed.split(';');
  return ['host', 'x-amz-date', 'x-amz-target'].every((name) => names.includes(name))
    ? { accessKey, region, service }
    : undefined;
}

function fail(response: ServerResponse, { status = 400, type, message }: EcrFault): true {
  return send(response, status, { __type: type, ...(message !== undefined && { message }) });
}

function send(response: ServerResponse, status: number, body: unknown): true {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  return true;
}
