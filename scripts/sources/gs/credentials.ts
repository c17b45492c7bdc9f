import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import { learnSecret } from '../../text/mask.ts';

/** An account of Google's, for a request and for messages. */
export interface GsAccount {
  /** For the Authorization header; undefined without an account. */
  token?: string;
  /** `the account a@b`, `the request without an account`. */
  name: string;
}

/** Reads; nothing else is asked for. */
const scopes = ['https://www.googleapis.com/auth/devstorage.read_only'];
const none: GsAccount = { name: 'a request without an account' };

/**
 * The account that Google's clients would take ("Application Default Credentials"): the file that
 * GOOGLE_APPLICATION_CREDENTIALS names (a key, or workload identity federation), that of `gcloud auth application-default
 * login`, or the metadata server of a machine, a pod or a function. None of them: no account, as for public buckets.
 * Tokens are renewed before they expire.
 */
export class GsCredentials {
  #auth: Promise<{ token(): Promise<string | undefined>; name: string } | undefined> | undefined;

  /** Fails with code `auth` when there are credentials that cannot be used. */
  async account(): Promise<GsAccount> {
    try {
      this.#auth ??= this.#find();
      const auth = await this.#auth;
      const token = await auth?.token();
      if (auth === undefined || token === undefined) return none;
      learnSecret(token);
      return { token, name: auth.name };
    } catch (error) {
      this.#auth = undefined;
      const text = error instanceof Error ? error.message : String(error);
      throw new ModelcarsError('auth', `log in to Google: ${plain(text, 300)}`, {
        next: 'correct GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`',
        cause: error,
      });
    }
  }

  async #find() {
    // Loaded on demand: most runs do not use it.
    const { GoogleAuth } = await import('google-auth-library');
    try {
      // Reading needs no project. To find one, the library would ask another API, and fail where that is not enabled.
      const client = await new GoogleAuth({ scopes, projectId: 'none' }).getClient();
      const { email } = client as { email?: unknown };
      return {
        name: typeof email === 'string' ? `the account ${plain(email, 100)}` : 'the account that was found',
        token: async () => (await client.getAccessToken()).token ?? undefined,
      };
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('Could not load the default credentials'))
        return undefined;
      throw error;
    }
  }
}
