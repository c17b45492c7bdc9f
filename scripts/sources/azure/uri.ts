import { keyProblem } from '../s3/uri.ts';
import type { Parsed } from '../types.ts';

/** A parsed `azure://` URI. */
export interface AzureLocation {
  account: string;
  container: string;
  /** A blob's name or a prefix, as written: without percent-encoding. Empty: the whole container. */
  key: string;
}

const form = '`azure://account/container/prefix`';

/** `azure://account/container`, with `/prefix` if wanted. Examines only the text. */
export function parseAzureUri(uri: string): Parsed<AzureLocation> {
  const bad = (expected: string) => ({ ok: false as const, problem: { expected } });
  const match = /^azure:\/\/([^/]*)\/([^/]*)(?:\/(.*))?$/su.exec(uri);
  if (match === null) return bad(form);
  const [, account = '', container = '', key = ''] = match;
  // Azure Storage documentation, "Storage account name" and "Container names".
  if (!/^[a-z0-9]{3,24}$/.test(account))
    return bad(`${form} with an account of 3 to 24 lower-case letters and digits`);
  if (!/^(?:\$web|\$root|(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9])$/.test(container))
    return bad(`${form} with a container of 3 to 63 lower-case letters, digits and \`-\``);
  const problem = keyProblem(key);
  return problem === undefined ? { ok: true, value: { account, container, key } } : bad(problem);
}

/**
 * The URI that is meant by a container's or folder's address, or by the forms of Hadoop and Spark (`abfss://`,
 * `wasbs://`). Undefined for any other text: the address of one file is a valid `https:` source.
 */
export function pastedAzure(text: string): string | undefined {
  const web = /^https:\/\/([a-z0-9]+)\.(?:blob|dfs)\.core\.windows\.net\/([^?#]+)$/i.exec(text);
  const hadoop = /^(?:abfss?|wasbs?):\/\/([^@/]+)@([a-z0-9]+)\.[a-z0-9.-]+(?:\/([^?#]*))?$/i.exec(text);
  if (web !== null && /\.\w+$/.test(web[2] ?? '')) return undefined;
  try {
    const path = web && decodeURIComponent(web[2] ?? '');
    const uri = web ? `azure://${web[1]}/${path}` : hadoop && azureUri(hadoop);
    return uri && parseAzureUri(uri).ok ? uri : undefined;
  } catch {
    return undefined;
  }
}

function azureUri([, container = '', account = '', path = '']: RegExpExecArray): string {
  return `azure://${account}/${container}${path === '' ? '' : `/${path}`}`;
}
