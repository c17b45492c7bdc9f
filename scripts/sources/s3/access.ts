import type { S3 } from '@aws-sdk/client-s3';
import { ModelcarsError } from '../../errors.ts';
import { learnSecret, maskSecret } from '../../text/mask.ts';
import { limitAnswers } from './limit.ts';
import { refuseLongWaits } from './waits.ts';

/** The S3 endpoint and how URLs name its buckets. Excludes credentials: the SDK finds them itself. */
export interface S3Access {
  /** `https://objectstore.example.com`; Amazon's by default. */
  endpoint?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  pathStyle: boolean;
}

/** A client, and its names in errors. */
export interface Connection {
  client: S3;
  /** Host and port, or Amazon's name. */
  host: string;
  /** The first and last 4 characters of the access key ID; undefined without credentials. */
  accessKey(): Promise<string | undefined>;
  /** Credentials that must never be shown in full, from wherever the SDK found them. */
  secrets(): Promise<string[]>;
  /** Whether checksums are asked for and sent, which not every compatible store knows. */
  readonly checksums: boolean;
  /**
   * Whether an error shows that the store does not know checksums: then none are asked for or sent from now on, and the
   * request is worth another try. False for Amazon, and when that was done before.
   */
  dropsChecksums(error: unknown): boolean;
}

/** Environment variables that name an endpoint; the first one set wins: modelcars' own, then those of every AWS SDK. */
const endpointVariables = ['S3_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'] as const;

/**
 * Access from the environment, or with an `endpoint` from a flag. Fails with code `usage`, naming the variable. A
 * custom endpoint gets path-style URLs, as MinIO, Ceph and Civo expect, unless AWS_S3_FORCE_PATH_STYLE=false.
 */
export function s3Access(environment: NodeJS.ProcessEnv = process.env, endpoint?: string): S3Access {
  const variable = endpointVariables.find((name) => environment[name]?.trim());
  const [url, from] =
    endpoint !== undefined
      ? [endpoint, '--endpoint-url']
      : variable === undefined
        ? [undefined, '']
        : [environment[variable]?.trim() ?? '', variable];
  const force = environment.AWS_S3_FORCE_PATH_STYLE?.trim().toLowerCase();
  if (force && !['true', 'false', '1', '0'].includes(force)) {
    throw new ModelcarsError('usage', 'read AWS_S3_FORCE_PATH_STYLE: expected `true` or `false`', {
      next: 'unset it, or set it to `true` or `false`',
    });
  }
  const pathStyle = force ? force === 'true' || force === '1' : url !== undefined;
  return url === undefined ? { pathStyle } : { endpoint: checkEndpoint(url, from), pathStyle };
}

/** An endpoint as a URL without a trailing slash. Errors do not repeat its text: it may contain a password. */
function checkEndpoint(text: string, from: string): string {
  const fail = (expected: string) =>
    new ModelcarsError('usage', `read ${from}: expected ${expected}`, {
      next: `set ${from} to the URL of the object store, such as https://objectstore.example.com`,
    });
  if (!/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) throw fail('a URL with http:// or https://');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw fail('a URL without user and password: keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  if (url.search !== '' || url.hash !== '') throw fail('a URL without `?` and `#`');
  return url.href.replace(/\/+$/, '');
}

const connections = new Map<string, Promise<Connection>>();

/** The connection to an endpoint, shared by this whole process. Makes no request yet. */
export function connect(access: S3Access): Promise<Connection> {
  const key = JSON.stringify([access.endpoint, access.pathStyle]);
  let connection = connections.get(key);
  if (connection === undefined) {
    connection = makeConnection(access);
    connections.set(key, connection);
  }
  return connection;
}

async function makeConnection({ endpoint, pathStyle }: S3Access): Promise<Connection> {
  // Loaded on demand: the SDK is large, and most runs do not use it.
  const { S3: Client } = await import('@aws-sdk/client-s3');
  let checksums = true;
  const make = (region?: string, defaults?: S3) =>
    new Client({
      ...(region !== undefined && { region }),
      ...(defaults && {
        requestChecksumCalculation: async () =>
          checksums ? await defaults.config.requestChecksumCalculation() : 'WHEN_REQUIRED',
      }),
      ...(endpoint !== undefined && { endpoint }),
      forcePathStyle: pathStyle,
      followRegionRedirects: true,
      maxAttempts: 5,
      // Every byte is checked against the lock's SHA-256, which is stronger than S3's checksum.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    });
  const asked = make();
  const hasRegion = await Promise.resolve(asked.config.region()).then(
    () => true,
    () => false,
  );
  const client = make(hasRegion ? undefined : (regionOf(endpoint) ?? 'us-east-1'), asked);
  limitAnswers(client);
  refuseLongWaits(client);
  const credentials = async () => {
    const found = await client.config.credentials().catch(() => undefined);
    for (const secret of secretsOf(found)) learnSecret(secret);
    return found;
  };
  return {
    client,
    host: endpoint === undefined ? 'Amazon S3' : new URL(endpoint).host,
    async accessKey() {
      const found = await credentials();
      return found && maskSecret(found.accessKeyId);
    },
    async secrets() {
      return secretsOf(await credentials());
    },
    get checksums() {
      return checksums;
    },
    dropsChecksums(error) {
      if (!checksums || endpoint === undefined || !isChecksumRefusal(error)) return false;
      checksums = false;
      return true;
    },
  };
}

/**
 * The region that a store's endpoint names, for stores that accept requests signed for their own region only: Backblaze
 * B2, OVHcloud, Scaleway, Wasabi, DigitalOcean, Linode, Amazon. Cloudflare R2 and Google call theirs `auto`.
 */
export function regionOf(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  const { hostname } = new URL(endpoint);
  if (/(^|\.)(r2\.cloudflarestorage\.com|storage\.googleapis\.com)$/.test(hostname)) return 'auto';
  return (
    /^(?:[\w.-]+\.)?s3[.-]([a-z]{2,}(?:-[a-z0-9]+)*)\.(?:backblazeb2\.com|(?:io|perf)\.cloud\.ovh\.(?:net|us)|scw\.cloud|wasabisys\.com|amazonaws\.com)$/.exec(
      hostname,
    )?.[1] ??
    /^(?:[\w.-]+\.)?([a-z0-9]{2,}(?:-[a-z0-9]+)*)\.(?:digitaloceanspaces|linodeobjects)\.com$/.exec(
      hostname,
    )?.[1]
  );
}

/**
 * Cloudflare R2 and others answer 501 to a header of checksums, Backblaze B2 400 (InvalidArgument: "Unsupported header"),
 * Google 400 to a trailer. The answer to a HEAD has no text.
 */
function isChecksumRefusal(error: unknown): boolean {
  const {
    name = '',
    message = '',
    $metadata,
  } = (error ?? {}) as {
    name?: string;
    message?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  if (status === 501) return true;
  if (status !== 400) return false;
  return (
    /checksum|unsupported header|aws-chunked|trailer/i.test(message) ||
    /^(Unknown|UnknownError|BadRequest|400)$/.test(name)
  );
}

function secretsOf(
  found: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined,
): string[] {
  const { accessKeyId, secretAccessKey, sessionToken } = found ?? {};
  return [accessKeyId, secretAccessKey, sessionToken].filter((secret) => secret !== undefined);
}
