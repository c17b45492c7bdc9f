import { lazySource } from '../lazy-source.ts';
import type { SourceKind } from '../types.ts';
import { repair } from './repair.ts';
import { isLoopbackHttp, parseHttpsUri } from './uri.ts';

/** Single files of web servers. */
export const httpsKind: SourceKind = {
  scheme: 'https',
  example: 'https://host/path',
  forms: [{ uri: 'https://host/path', names: 'A file, named after the last part of the path.' }],
  environment: [],
  repair,
  claims: isLoopbackHttp,
  check(uri) {
    const parsed = parseHttpsUri(uri);
    return parsed.ok ? undefined : parsed.problem;
  },
  // GitHub shows a file on a page of its own.
  pasted: (text) =>
    /^https:\/\/github\.com\/[^/?#]+\/[^/?#]+\/blob\/[^?#]+$/.test(text)
      ? text.replace('/blob/', '/raw/')
      : undefined,
  open: (options) => lazySource(async () => (await import('./source.ts')).httpsSource(options)),
};
