import { awsCredentials } from './ecr/failure.ts';
import { ecrAction, isEcr } from './ecr/host.ts';

/**
 * Why a registry refuses a well-formed request: it requires credentials and got none, it rejected the credentials, the
 * account lacks the right, a quota or the storage is exhausted, or a rule keeps the tag where it is.
 */
export type Refusal = 'login' | 'rejected' | 'rights' | 'quota' | 'immutable';

/** The refused request, and the account that it was sent with. */
export interface Refused {
  method: string;
  /** `/v2/me/iris/manifests/v1.0.0`. */
  path: string;
  account: Account;
}

/** The credentials of a request, without their secrets. */
export interface Account {
  /** `none`: no credentials. `unproven`: the registry itself checks them. `proven`: its token server accepted them. */
  kind: 'none' | 'unproven' | 'proven';
  /** Where they come from: variables, a file, a helper. */
  origin?: string | undefined;
}

// Harbor returns 412, ECR 400 (TAG_INVALID), Quay 409 or 400, GitLab and Docker Hub 403, ACR 405 (a locked tag): the
// text decides.
const immutableStatuses = [400, 403, 405, 409, 412];
const immutable =
  /\bimmutab|\b(can ?not|can't) (be )?overw|\bdoes not allow (updating|redeploy)|\b(is|are) locked\b/i;
// Harbor: "will exceed the configured upper limit"; Quay: "Quota has been exceeded"; ECR: "the maximum allowed number
// of images".
const quotaStatuses = [400, 402, 403, 405, 409, 412, 507];
const quota =
  /\bquota\b|\bstorage (limit|full)|\bexceed\w*\b.*\b(limit|storage)\b|\bmaximum allowed number\b|\binsufficient storage\b/i;
// ECR returns 403 for a password older than 12 hours.
const expired = /\b(token|password|credentials?) (has|have|is|are) expired\b/i;

// Amazon has identified the user, regardless of the account kind here.
const amazonDenies = /\bnot authorized to perform: (ecr(?:-public)?:\w+)/;

/** The refusal in a response, by its status and the registry's text; undefined for any other failure. */
export function refusalOf(status: number, text: string, refused: Refused): Refusal | undefined {
  const { method, path, account } = refused;
  if (method === 'PUT' && path.includes('/manifests/') && immutableStatuses.includes(status)) {
    // Harbor's 412 and other registries' 409 have no second meaning when a tag is set.
    if (immutable.test(text) || status === 409 || status === 412) return 'immutable';
  }
  if (quotaStatuses.includes(status) && (quota.test(text) || status === 507)) return 'quota';
  if (status !== 401 && status !== 403) return undefined;
  if (amazonDenies.test(text)) return 'rights';
  if (account.kind === 'none') return 'login';
  if (expired.test(text)) return 'rejected';
  return status === 401 && account.kind === 'unproven' ? 'rejected' : 'rights';
}

/** Explains a refusal: the registry's part of the message, and the next step. */
export function explainRefusal(
  refusal: Refusal,
  registry: string,
  answer: string,
  refused: Refused,
): { why: string; next: string } {
  const { account, method, path } = refused;
  const origin = account.origin ?? 'the registry configuration';
  switch (refusal) {
    case 'login':
      return {
        why: `${registry} requires credentials and got none: ${answer}`,
        next: logIn(registry),
      };
    case 'rejected':
      return {
        why: `${registry} rejected the credentials from ${origin}: ${answer}`,
        next: isEcr(registry)
          ? 'get a new password with `aws ecr get-login-password` (each lasts 12 hours), or remove it: modelcars logs in with AWS credentials'
          : `correct them there, or log in again with \`podman login ${registry}\``,
      };
    case 'rights': {
      const right = rightOf(registry, answer, method, path);
      return {
        why: `${registry} denies this account ${right}: ${answer}`,
        next: `allow that to the account whose credentials come from ${origin}, or log in with another: \`podman login ${registry}\``,
      };
    }
    case 'quota':
      return {
        why: `${registry} has no room for it, a quota is reached: ${answer}`,
        next: 'delete images there, or ask its administrator to raise the quota',
      };
    case 'immutable':
      return {
        why: `${registry} does not let this tag move (tag immutability): ${answer}`,
        next: 'push under a new version; floating tags are switched off with `--no-floating-tags`',
      };
  }
}

/** The next step when credentials are missing. */
export function logIn(registry: string): string {
  if (isEcr(registry)) return `${awsCredentials}, or log in with \`aws ecr get-login-password\``;
  return `log in with \`podman login ${registry}\`, or set MODELCARS_REGISTRY_USERNAME and MODELCARS_REGISTRY_PASSWORD (MODELCARS_REGISTRY_HOST=${registry})`;
}

function rightOf(registry: string, answer: string, method: string, path: string): string {
  const [, repository = ''] = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(path) ?? [];
  // Amazon's message names the action, even behind a proxy with another host name.
  const named = amazonDenies.exec(answer)?.[1];
  const action = named ?? (isEcr(registry) ? ecrAction(registry, method, path) : undefined);
  if (action !== undefined) return `${action} on ${repository}`;
  if (path.endsWith('/tags/list')) return `the right to list the tags of ${repository}`;
  const pulls = method === 'GET' || method === 'HEAD';
  return `the right to ${pulls ? 'pull from' : 'push to'} ${repository}`;
}
