import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import { checkUri } from '../uri.ts';

/** What a `hf:` URI names. */
export interface HubRepository {
  /** As in the catalog. */
  uri: string;
  /** `org/name`. */
  name: string;
  /** A branch, tag or commit; `main` when the URI has none. */
  revision: string;
}

/** A git commit's name: sha1, or sha256 in newer repositories. */
export const commitShape = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Takes a `hf://org/name[:revision]` URI apart. Fails with code `source`. */
export function parseHubUri(uri: string): HubRepository {
  const problem = checkUri(uri);
  if (problem || !uri.startsWith('hf://')) {
    throw new ModelcarsError(
      'source',
      `read ${plain(uri)}: expected ${problem?.expected ?? '`hf://org/repo`'}`,
      {
        next: 'correct `source` in models.yaml',
      },
    );
  }
  const [name = '', revision = 'main'] = uri.slice('hf://'.length).split(':');
  return { uri, name, revision };
}

/** Where people see a repository. */
export function pageOf(endpoint: string, name: string): string {
  return `${endpoint}/${name}`;
}

/** Where the bytes of one file are asked for. */
export function resolveUrl(endpoint: string, name: string, commit: string, path: string): URL {
  const file = path.split('/').map(encodeURIComponent).join('/');
  return new URL(`${endpoint}/${name}/resolve/${commit}/${file}`);
}
