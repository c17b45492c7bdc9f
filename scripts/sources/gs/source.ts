import { ModelcarsError } from '../../errors.ts';
import { trustInProcess } from '../../http/certificates.ts';
import { defaultRetry } from '../../http/retry.ts';
import { isLoopback, Transport } from '../../http/transport.ts';
import { plain } from '../../text/format.ts';
import { objectSource } from '../objects/source.ts';
import type { ConnectionOptions, Source } from '../types.ts';
import { GsBucket } from './bucket.ts';
import { GsCredentials } from './credentials.ts';
import { parseGsUri } from './uri.ts';

/** The variables that name another server: an emulator gets no credentials; gcloud's is for a private endpoint of Google. */
const emulator = 'STORAGE_EMULATOR_HOST';
const override = 'CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE';

/** The source of `gs://` URIs. Cloud Storage keeps no SHA-256, so each object is read once at `lock`. */
export function gsSource(options: ConnectionOptions = {}): Source {
  const { env = process.env, caFile, retry, onRetry } = options;
  // Google's library asks for tokens with connections of its own.
  trustInProcess(caFile);
  const transport = new Transport({ env, ...(caFile !== undefined && { caFile }) });
  const credentials = new GsCredentials();
  return objectSource({
    open(uri) {
      const parsed = parseGsUri(uri);
      if (!parsed.ok)
        throw new ModelcarsError('source', `read ${plain(uri)}: expected ${parsed.problem.expected}`, {
          next: 'correct `source` in models.yaml',
        });
      const { bucket, key } = parsed.value;
      const { endpoint, isEmulator } = endpointOf(env);
      const account = isEmulator
        ? async () => ({ name: 'a request without an account' })
        : () => credentials.account();
      const store = new GsBucket(bucket, {
        endpoint,
        transport,
        retry: { ...defaultRetry, ...retry },
        onRetry,
        account,
      });
      return { store, key };
    },
    absent: 'correct `source` in models.yaml',
    close: () => transport.close(),
  });
}

/** The server of the JSON API. Fails with code `usage`, naming the variable. */
function endpointOf(env: NodeJS.ProcessEnv): { endpoint: URL; isEmulator: boolean } {
  const isEmulator = Boolean(env[emulator]);
  const name = isEmulator ? emulator : override;
  const text = env[name]?.trim();
  if (!text) return { endpoint: new URL('https://storage.googleapis.com'), isEmulator };
  const full = /^https?:\/\//.test(text) ? text : `http://${text}`;
  const endpoint = URL.canParse(full) ? new URL(full) : undefined;
  const isSafe = endpoint?.protocol === 'https:' || isEmulator || isLoopback(endpoint?.hostname ?? '');
  if (endpoint !== undefined && endpoint.username === '' && isSafe) return { endpoint, isEmulator };
  throw new ModelcarsError('usage', `read ${name}: expected a URL with https://`, {
    next: `correct ${name}, or unset it to use Google's own server`,
  });
}
