import { ModelcarsError } from '../../errors.ts';
import { HttpClient } from '../../http/client.ts';
import { isRetryable, RequestFailure } from '../../http/failure.ts';
import { defaultRetry } from '../../http/retry.ts';
import { isLoopback, Transport } from '../../http/transport.ts';
import { plain } from '../../text/format.ts';
import type { ConnectionOptions, Source } from '../types.ts';
import type { HubSettings, HubToken } from './settings.ts';
import { tokensAt } from './uri.ts';

/** The hub's response is one small document. */
const mostBytes = 1024 * 1024;
/** Small files, which the hub protects as it does the weights of a gated repository. */
const probes = /(^|\/)(config|tokenizer_config|generation_config|model_index)\.json$/;
/** Files that a hub may show to everybody. */
const open = /(^|\/)(README\.md|LICEN[SC]E[^/]*|\.gitattributes)$/i;

/**
 * The name of a token's account (GET /api/whoami-v2). Fails with code `auth` when the hub does not know the token.
 */
export async function accountName(
  { endpoint }: HubSettings,
  token: HubToken,
  { env = process.env, caFile, retry, signal }: ConnectionOptions & { signal?: AbortSignal },
): Promise<string> {
  const transport = new Transport({ env, ...(caFile !== undefined && { caFile }) });
  const { origin, host, protocol, hostname } = new URL(endpoint);
  const http = new HttpClient({
    transport,
    retry: { ...defaultRetry, ...retry },
    authorize: (url) => (url.origin === origin ? `Bearer ${token.secret}` : undefined),
    mayBePlain: (url) => protocol === 'http:' || (isLoopback(url.hostname) && isLoopback(hostname)),
    refused: ({ what }, { status }) => {
      const rejected = status === 401 || status === 403;
      return new RequestFailure(
        `${what}: ${rejected ? `${host} rejected the token from ${token.from}` : `${host} returned ${status}`}`,
        {
          code: rejected ? 'auth' : 'source',
          status,
          retryable: isRetryable(status),
          next: rejected
            ? `make a new token ${tokensAt({ endpoint })}, or unset it`
            : 'check HF_ENDPOINT: is it a Hugging Face hub?',
        },
      );
    },
  });
  try {
    const url = new URL(`${endpoint}/api/whoami-v2`);
    const what = `look up the account of the hub token`;
    const { bytes } = await http.read({ what, url, expect: [200], signal }, mostBytes);
    const { name } = parse(bytes);
    if (typeof name === 'string') return plain(name);
    throw new ModelcarsError('source', `${what}: the response of ${host} names no account`, {
      next: 'check HF_ENDPOINT: is it a Hugging Face hub?',
    });
  } finally {
    await transport.close();
  }
}

/**
 * Checks that a `hf://` URI can be read, also when the repository is gated: reads at most one small file. Fails as
 * `lock` does.
 */
export async function checkReadable(source: Source, uri: string, signal?: AbortSignal): Promise<void> {
  let first: string | undefined;
  let probe: string | undefined;
  await source.resolve(
    uri,
    (path) => {
      if (probes.test(path)) probe ??= path;
      else if (!open.test(path)) first ??= path;
      return false;
    },
    signal,
  );
  const chosen = probe ?? first;
  if (chosen !== undefined) await source.resolve(uri, (path) => path === chosen, signal);
}

function parse(bytes: Uint8Array): { name?: unknown } {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
