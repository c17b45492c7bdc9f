import type { AgentOptions } from 'node:http';
import { learnSecret, maskSecret } from '../../text/mask.ts';
import { type EcrRegistry, ecrPublic, iamAction } from './host.ts';

/** What `GetAuthorizationToken` returns. */
export interface EcrToken {
  /** The base64 of USER:PASSWORD. */
  authorizationToken?: string | undefined;
  expiresAt?: Date | undefined;
}

/** The calls to Amazon's API about one registry. They fail with the SDK's errors; see `ecrFailure`. */
export interface EcrApi {
  registry: EcrRegistry;
  /** The API in errors: "Amazon ECR", or the host that a variable names in its place. */
  endpoint: string;
  /** The access key ID with its middle masked; fails with the SDK's error when no credentials are found. */
  accessKey(): Promise<string>;
  getToken(signal?: AbortSignal): Promise<EcrToken>;
  /** Fails with RepositoryNotFoundException when it does not exist. `repository` as in the API. */
  describe(repository: string, signal?: AbortSignal): Promise<void>;
  /** The URI of the new repository; fails with RepositoryAlreadyExistsException when it exists. */
  create(repository: string, signal?: AbortSignal): Promise<string | undefined>;
}

export const amazon = 'Amazon ECR';

/** The API of a registry, with the SDK's default credentials. Makes no request yet. */
export async function openEcr(registry: EcrRegistry): Promise<EcrApi> {
  return registry.host === ecrPublic ? await openPublic(registry) : await openPrivate(registry);
}

/** `ecr:CreateRepository`. */
export function actionOf(api: EcrApi, operation: string): string {
  return iamAction(api.registry.host, operation);
}

async function openPrivate(registry: EcrRegistry): Promise<EcrApi> {
  // Loaded on demand: most runs push to other registries.
  const { ECRClient, CreateRepositoryCommand, DescribeRepositoriesCommand, GetAuthorizationTokenCommand } =
    await import('@aws-sdk/client-ecr');
  const client = new ECRClient(configuration(registry));
  const { account: registryId } = registry;
  return {
    ...common(registry, client.config),
    async getToken(abortSignal) {
      const { authorizationData } = await client.send(
        new GetAuthorizationTokenCommand({}),
        options(abortSignal),
      );
      return authorizationData?.[0] ?? {};
    },
    async describe(name, abortSignal) {
      const command = new DescribeRepositoriesCommand({ registryId, repositoryNames: [name] });
      await client.send(command, options(abortSignal));
    },
    async create(repositoryName, abortSignal) {
      const command = new CreateRepositoryCommand({ registryId, repositoryName });
      return (await client.send(command, options(abortSignal))).repository?.repositoryUri;
    },
  };
}

async function openPublic(registry: EcrRegistry): Promise<EcrApi> {
  const {
    ECRPUBLICClient,
    CreateRepositoryCommand,
    DescribeRepositoriesCommand,
    GetAuthorizationTokenCommand,
  } = await import('@aws-sdk/client-ecr-public');
  const client = new ECRPUBLICClient(configuration(registry));
  return {
    ...common(registry, client.config),
    async getToken(abortSignal) {
      const command = new GetAuthorizationTokenCommand({});
      return (await client.send(command, options(abortSignal))).authorizationData ?? {};
    },
    async describe(name, abortSignal) {
      await client.send(new DescribeRepositoriesCommand({ repositoryNames: [name] }), options(abortSignal));
    },
    async create(repositoryName, abortSignal) {
      const command = new CreateRepositoryCommand({ repositoryName });
      return (await client.send(command, options(abortSignal))).repository?.repositoryUri;
    },
  };
}

function configuration({ region, fips, dualStack }: EcrRegistry) {
  // The SDK ignores the proxy variables; Node's agents do not.
  const agent: AgentOptions = { keepAlive: true, proxyEnv: process.env };
  return {
    region,
    useFipsEndpoint: fips,
    useDualstackEndpoint: dualStack,
    ...(!process.env.AWS_MAX_ATTEMPTS && { maxAttempts: 5 }),
    requestHandler: {
      connectionTimeout: 10_000,
      socketTimeout: 60_000,
      httpAgent: agent,
      httpsAgent: agent,
    },
  };
}

const options = (abortSignal?: AbortSignal) => (abortSignal ? { abortSignal } : {});

interface ClientConfig {
  credentials(): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
}

function common(registry: EcrRegistry, config: ClientConfig) {
  return {
    registry,
    endpoint: endpointOf(registry),
    async accessKey() {
      const { accessKeyId, secretAccessKey, sessionToken } = await config.credentials();
      for (const secret of [accessKeyId, secretAccessKey, sessionToken]) if (secret) learnSecret(secret);
      return maskSecret(accessKeyId);
    },
  };
}

function endpointOf({ host }: EcrRegistry): string {
  const { env } = process;
  const own = host === ecrPublic ? env.AWS_ENDPOINT_URL_ECR_PUBLIC : env.AWS_ENDPOINT_URL_ECR;
  const url = own || env.AWS_ENDPOINT_URL || '';
  return URL.canParse(url) ? new URL(url).host : amazon;
}
