import { isRetryable, RequestFailure, usualAdvice } from '../http/failure.ts';
import { plain } from '../text/format.ts';
import { failureBody } from './schema.ts';
import type { Token } from './token.ts';

/** A response with an unexpected status. */
export interface Refusal {
  /** Start of the message: "read model iris". */
  what: string;
  root: URL;
  token: Token | undefined;
  status: number;
  location: string | undefined;
  body: string;
  retryAfter: number | undefined;
}

/** Next steps for a request without a response. */
export const registryAdvice = {
  ...usualAdvice,
  unreachable:
    'check --model-registry, HTTPS_PROXY and NO_PROXY; outside the cluster, `kubectl port-forward -n kubeflow svc/model-registry-service 8080` reaches it as http://localhost:8080',
};

/** An answer that no model registry gives: another service, a login page, a wrong path. */
export function notRegistry(what: string, root: URL, problem: string, status?: number): RequestFailure {
  return new RequestFailure(`${what}: ${root.host} ${problem}`, {
    code: 'registry',
    ...(status !== undefined && { status }),
    next: `check --model-registry: ${plain(root.href, 200)} must be the REST API of a Kubeflow Model Registry`,
  });
}

/** The message of a failure in the registry's own form; undefined for an answer of anything else. */
export function ownMessage(body: string): string | undefined {
  try {
    const parsed = failureBody.safeParse(JSON.parse(body));
    return parsed.success ? plain(parsed.data.message, 400) : undefined;
  } catch {
    return undefined;
  }
}

/** The failure for a refused request. A conflict (409) has status 409. */
export function refusal(refused: Refusal): RequestFailure {
  const { what, root, token, status, location, body, retryAfter } = refused;
  const { host } = root;
  const sent = token === undefined ? 'no token was sent' : `token from ${token.origin}`;
  if (status === 401)
    return new RequestFailure(
      `${what}: ${host} ${token === undefined ? 'requires a token' : 'rejected the token'} (401): ${sent}`,
      {
        code: 'auth',
        status,
        next: 'put a token into MODELCARS_MODEL_REGISTRY_TOKEN or a file for --token-file: `oc whoami --show-token`, `kubectl create token NAME`',
      },
    );
  if (status === 403)
    return new RequestFailure(`${what}: ${host} denies access (403): ${sent}`, {
      code: 'auth',
      status,
      next: 'give its account access to the model registry; in OpenShift AI: Settings, Model registry settings, Manage permissions',
    });
  if (status >= 300 && status < 400) {
    const to =
      location !== undefined && URL.canParse(location, root.href) ? new URL(location, root) : undefined;
    return notRegistry(what, root, `redirects to ${to === undefined ? 'no URL' : plain(to.origin, 200)}`);
  }
  const said = ownMessage(body);
  if (said === undefined && !isRetryable(status))
    return notRegistry(what, root, `answered ${status}, not as a model registry does`, status);
  const text = said ?? plain(body.trim(), 200);
  return new RequestFailure(`${what}: ${host} answered ${status}${text === '' ? '' : ` (${text})`}`, {
    code: 'registry',
    status,
    retryable: isRetryable(status),
    next: isRetryable(status)
      ? 'run the command again: what is registered is kept'
      : 'check the release of the model registry: it has to be 0.2.10 or newer',
    ...(retryAfter !== undefined && { retryAfter }),
  });
}
