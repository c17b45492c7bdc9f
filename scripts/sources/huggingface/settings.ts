import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelcarsError } from '../../errors.ts';
import { homeFolder } from '../../files/home.ts';
import { isLoopback } from '../../http/transport.ts';
import { learnSecret } from '../../text/mask.ts';
import { endpointOf } from './uri.ts';

/** The hub's address and the token for it. */
export interface HubSettings {
  /** Without a trailing slash. */
  endpoint: string;
  token?: HubToken;
}

export interface HubToken {
  secret: string;
  /** Where it was found, for errors: `HF_TOKEN` or a path. */
  from: string;
  /** Why it is not sent; undefined when it is. */
  withheld?: string;
}

/**
 * The hub's address and the token, from where huggingface_hub looks for them (its constants.py and utils/_auth.py):
 * HF_ENDPOINT; HF_TOKEN, HUGGING_FACE_HUB_TOKEN, the file HF_TOKEN_PATH, `token` in HF_HOME (~/.cache/huggingface). No
 * token with HF_HUB_DISABLE_IMPLICIT_TOKEN. A token is not sent over plain http, except within this machine. Fails with
 * code `usage`.
 */
export async function readHubSettings(env: NodeJS.ProcessEnv): Promise<HubSettings> {
  const endpoint = endpointOf(env);
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new ModelcarsError('usage', 'read HF_ENDPOINT: it is not the URL of a hub', {
      next: 'unset it, or set it to a URL such as https://huggingface.co, without user, password and query',
    });
  }
  const token = await findToken(env);
  if (token === undefined) return { endpoint };
  learnSecret(token.secret);
  const plain = url.protocol === 'http:' && !isLoopback(url.hostname);
  return { endpoint, token: plain ? { ...token, withheld: `${url.origin} is not https` } : token };
}

async function findToken(env: NodeJS.ProcessEnv): Promise<HubToken | undefined> {
  if (/^(1|on|yes|true)$/i.test(env.HF_HUB_DISABLE_IMPLICIT_TOKEN ?? '')) return undefined;
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const secret = clean(env[name] ?? '', name);
    if (secret !== '') return { secret, from: name };
  }
  const home = homeFolder(env);
  const cache = env.XDG_CACHE_HOME || join(home, '.cache');
  const path = env.HF_TOKEN_PATH || join(env.HF_HOME || join(cache, 'huggingface'), 'token');
  const file = path.replace(/^~(?=\/)/, home);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    // Only an explicitly named file must exist.
    if (!env.HF_TOKEN_PATH) return undefined;
    throw new ModelcarsError('usage', `read HF_TOKEN_PATH ${file}: ${(cause as Error).message}`, {
      cause,
      next: 'correct HF_TOKEN_PATH, or unset it',
    });
  }
  const secret = clean(text, file);
  return secret === '' ? undefined : { secret, from: file };
}

/** A token without surrounding white space. One that is invalid in a header is not sent. */
function clean(text: string, from: string): string {
  const secret = text.trim();
  if (/^[\x21-\x7e]*$/.test(secret)) return secret;
  throw new ModelcarsError('usage', `read ${from}: what it holds is no token`, {
    next: 'put one token there, on one line; https://huggingface.co/settings/tokens makes them',
  });
}
