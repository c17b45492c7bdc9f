import type { HttpClient } from '../../http/client.ts';
import { plain } from '../../text/format.ts';
import { mostPageBytes } from './pages.ts';
import { type HubRepository, hubUri } from './uri.ts';

/** The account of the Space `safetensors/convert`, in lower case; anybody else's proposal is not trusted. */
const bot = 'sfconvertbot';
/** The title that the Space, and transformers (safetensors_conversion.py), give a proposal. */
const title = 'Adding `safetensors` variant of this model';

/**
 * The URI of a repository at the open pull request of the hub's conversion bot; undefined without one, or when the hub
 * does not answer: this is a hint for an error, not its cause. (GET /api/models/ORG/NAME/discussions, as
 * huggingface_hub's `get_repo_discussions`.)
 */
export async function findConversion(
  { name }: HubRepository,
  endpoint: string,
  http: HttpClient,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const url = new URL(`${endpoint}/api/models/${name}/discussions?type=pull_request&status=open&p=0`);
  const what = `read the pull requests of ${plain(name)}`;
  const headers = { accept: 'application/json' };
  try {
    const { bytes } = await http.read({ what, url, expect: [200], headers, signal }, mostPageBytes);
    const { discussions } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { discussions?: unknown };
    const numbers = (Array.isArray(discussions) ? discussions : []).flatMap(numberOf);
    return numbers.length === 0 ? undefined : hubUri(`${name}:refs/pr/${Math.max(...numbers)}`);
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}

/** The number of a pull request that is the bot's. */
function numberOf(discussion: unknown): number[] {
  if (typeof discussion !== 'object' || discussion === null) return [];
  const one = discussion as Record<string, unknown>;
  const author: unknown = (one.author as { name?: unknown } | null | undefined)?.name;
  const isBot = typeof author === 'string' && author.toLowerCase() === bot;
  const isOpen = one.isPullRequest === true && one.status === 'open' && one.title === title;
  return isBot && isOpen && Number.isSafeInteger(one.num) && Number(one.num) > 0 ? [Number(one.num)] : [];
}
