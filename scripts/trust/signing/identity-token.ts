import { CIContextProvider, type IdentityProvider } from '@sigstore/sign';
import { ModelcarsError } from '../../errors.ts';
import { readSmallFile } from '../read-file.ts';

const next =
  'give the job an identity token (GitHub: `permissions: id-token: write`; GitLab: `id_tokens:` with SIGSTORE_ID_TOKEN), pass --identity-token FILE, or sign by --key';

/**
 * Where the OIDC token for Fulcio comes from: a file (Tekton, Jenkins, a Kubernetes service account), else the CI
 * system: GitHub, Buildkite, or SIGSTORE_ID_TOKEN (GitLab and others). The token is read for each certificate, since a
 * file is renewed from time to time. Fails with code `trust`; no message shows the token.
 */
export function identityProvider(file: string | undefined): IdentityProvider {
  return {
    async getToken() {
      const token = file === undefined ? await fromCi() : await fromFile(file);
      checkToken(token, file === undefined ? 'of this job' : `in ${file}`);
      return token;
    },
  };
}

async function fromFile(path: string): Promise<string> {
  return (await readSmallFile(path, 'identity token', next)).trim();
}

async function fromCi(): Promise<string> {
  try {
    return await new CIContextProvider('sigstore').getToken();
  } catch (cause) {
    throw new ModelcarsError('trust', 'sign: no key, and no identity token in this environment', {
      next,
      cause,
    });
  }
}

/** Fulcio's refusals are terse: the usual faults of a token are found here. The token itself is never printed. */
function checkToken(token: string, where: string): void {
  const fail = (problem: string) =>
    new ModelcarsError('trust', `sign: the identity token ${where} ${problem}`, { next });
  const [, payload = ''] = token.split('.');
  let claims: { exp?: unknown; aud?: unknown };
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    throw fail('is no JSON web token');
  }
  if (typeof claims !== 'object' || claims === null) throw fail('is no JSON web token');
  const expired = typeof claims.exp === 'number' && claims.exp * 1000 < Date.now();
  if (expired)
    throw fail(
      `expired at ${new Date(Number(claims.exp) * 1000).toISOString()}; this machine's clock says ${new Date().toISOString()}`,
    );
  const audiences = [claims.aud].flat().filter((one): one is string => typeof one === 'string');
  if (audiences.length > 0 && !audiences.includes('sigstore'))
    throw fail(`is for the audience ${audiences.slice(0, 3).join(', ').slice(0, 200)}, not \`sigstore\``);
}
