import type { ErrorCode } from '../../errors.ts';
import type { RefusedResponse } from '../../http/client.ts';
import { isRetryable, RequestFailure } from '../../http/failure.ts';
import { plain } from '../../text/format.ts';
import { Masker } from '../../text/mask.ts';
import type { HubSettings } from './settings.ts';
import { checkEndpoint, type HubRepository, isOriginal, pageOf, tokensAt } from './uri.ts';

interface Words {
  code: ErrorCode;
  problem: string;
  next: string;
}

/** The meaning of the hub's error response, and the next step. `what` begins the message: "read hf://org/name". */
export function hubFailure(
  what: string,
  repository: HubRepository,
  settings: HubSettings,
  answer: RefusedResponse,
): RequestFailure {
  const { status, retryAfter } = answer;
  const { code, problem, next } = wordsFor(repository, settings, answer);
  return new RequestFailure(`${what}: ${problem}`, {
    code,
    next,
    status,
    retryable: isRetryable(status),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

function wordsFor(repository: HubRepository, settings: HubSettings, answer: RefusedResponse): Words {
  const { status } = answer;
  const said = textOf(answer, settings);
  const errorCode = answer.header('x-error-code');
  const host = answer.url.host;
  // A response from another host says nothing about the hub.
  if (answer.url.origin !== new URL(settings.endpoint).origin) return elsewhere(host, status);
  if (errorCode === 'GatedRepo') return gated(repository, settings, said);
  const [, commit] = /\/(?:revision|resolve)\/([0-9a-f]{40,64})(?:\/|$)/.exec(answer.url.pathname) ?? [];
  if (errorCode === 'RevisionNotFound' && commit !== undefined) {
    return {
      code: 'source',
      problem: `the repository has no commit ${commit} any more`,
      next: 'run `modelcars lock --upgrade`; if models.yaml names the commit, correct `source` first',
    };
  }
  if (errorCode === 'RevisionNotFound') {
    return {
      code: 'source',
      problem: `the repository has no branch, tag or commit ${plain(repository.revision)}`,
      next: `correct the revision in \`source\`; ${pageOf(settings.endpoint, repository.name)}/tree/main shows which there are`,
    };
  }
  if (errorCode === 'EntryNotFound') {
    return {
      code: 'source',
      problem: 'the repository has no such file any more',
      next: 'run `modelcars lock --upgrade`',
    };
  }
  if (status === 401 && /invalid (credentials|user token)/i.test(said)) {
    return {
      code: 'auth',
      problem: `${host} does not know the token from ${settings.token?.from ?? 'the environment'}`,
      next: `make a new one ${tokensAt(settings)}, or unset it if the repository is public`,
    };
  }
  if (errorCode === 'RepoNotFound' || status === 401 || status === 404)
    return unseen(repository, settings, status);
  if (status === 403 && /gated repositories/i.test(said)) {
    return {
      code: 'auth',
      problem: `the repository is gated, and the token from ${settings.token?.from} may not read gated repositories`,
      next: `edit the token ${tokensAt(settings)}, allow "Read access to contents of all public gated repos you can access", then run again`,
    };
  }
  if (status === 403) {
    return {
      code: 'auth',
      problem: `${host} refuses (${said || status})`,
      next: `use a token with the right to read ${repository.name}; they are made ${tokensAt(settings)}`,
    };
  }
  if (status === 429) {
    return {
      code: 'source',
      problem: `${host} limits how often it may be asked (429)`,
      next: settings.token
        ? 'run it again later'
        : `run it again later, or set HF_TOKEN: with a token (made ${tokensAt(settings)}) the limit is higher`,
    };
  }
  return {
    code: 'source',
    problem: `${host} answered ${status}${said && ` (${said})`}`,
    next:
      status >= 500
        ? `run it again later${isOriginal(settings) ? '; https://status.huggingface.co tells of outages' : ''}`
        : checkEndpoint(settings.endpoint),
  };
}

function gated({ name }: HubRepository, settings: HubSettings, said: string): Words {
  const page = pageOf(settings.endpoint, name);
  const { token } = settings;
  if (token === undefined) {
    return {
      code: 'auth',
      problem: 'the repository is gated, and no token is set',
      next: `accept its licence at ${page}, set HF_TOKEN to a token of that account (made ${tokensAt(settings)}), then run again`,
    };
  }
  if (token.withheld !== undefined) return withheld(token.withheld);
  if (/awaiting/i.test(said)) {
    return {
      code: 'auth',
      problem: 'the repository is gated, and its authors have not answered the request for access yet',
      next: `wait for their answer${isOriginal(settings) ? ' (https://huggingface.co/settings/gated-repos shows it)' : ''}, then run again`,
    };
  }
  if (/rejected/i.test(said)) {
    return {
      code: 'auth',
      problem: 'the repository is gated, and its authors have refused the request for access',
      next: `ask them at ${page}/discussions, or use another model`,
    };
  }
  return {
    code: 'auth',
    problem: `the repository is gated, and the account of the token from ${token.from} has not accepted its licence`,
    next: `open ${page}, accept it with that account, then run again`,
  };
}

/** The hub gives the same response for a repository that does not exist and for one that the token cannot access. */
function unseen({ name }: HubRepository, settings: HubSettings, status: number): Words {
  const code = status === 401 ? 'auth' : 'source';
  const { token, endpoint } = settings;
  if (token?.withheld !== undefined) return withheld(token.withheld);
  if (/(^|\.)modelscope\.(cn|ai)$/.test(new URL(endpoint).hostname))
    return { code, problem: `${endpoint} does not answer as a hub`, next: checkEndpoint(endpoint) };
  if (token === undefined) {
    return {
      code,
      problem: `there is no ${name} on ${endpoint}, or it is private and no token is set`,
      next: `correct \`source\` (is ${pageOf(endpoint, name)} there?), or set HF_TOKEN to a token that may read it (made ${tokensAt(settings)})`,
    };
  }
  return {
    code,
    problem: `there is no ${name} on ${endpoint}, or the token from ${token.from} may not see it`,
    next: `correct \`source\` (is ${pageOf(endpoint, name)} there?), or use a token with the right to read it (made ${tokensAt(settings)})`,
  };
}

function withheld(why: string): Words {
  return {
    code: 'auth',
    problem: `a token is wanted, and ours is not sent, because ${why}`,
    next: 'set HF_ENDPOINT to an https URL',
  };
}

function elsewhere(host: string, status: number): Words {
  return {
    code: 'source',
    problem: `${host}, which the hub sends us to, answered ${status}`,
    next:
      status >= 500 || status === 429 ? 'run it again later' : `check that a proxy lets us read from ${host}`,
  };
}

/** The hub's error text, on one line, without the token and URL queries. */
function textOf(answer: RefusedResponse, { token }: HubSettings): string {
  let said = answer.header('x-error-message') ?? '';
  if (said === '') {
    try {
      const { error } = JSON.parse(answer.body) as { error?: unknown };
      said = typeof error === 'string' ? error : '';
    } catch {
      said = '';
    }
  }
  // Masked before it is cut: half a secret is still a secret.
  const masker = new Masker();
  if (token) masker.add(token.secret, 1);
  said = masker.mask(said);
  return plain(said.replaceAll(/(https?:\/\/[^\s?"']*)\?[^\s"']*/g, '$1'), 200).trim();
}
