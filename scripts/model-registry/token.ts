import { readFile } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { learnSecret } from '../text/mask.ts';
import { displayPath } from '../text/paths.ts';

const variable = 'MODELCARS_MODEL_REGISTRY_TOKEN';
/** A path, as the Python client and Kubeflow Pipelines use it. */
const pathVariable = 'KF_PIPELINES_SA_TOKEN_PATH';
/** Tokens of service accounts have about 1 kB. */
const mostCharacters = 64 * 1024;

/** Who makes the requests, and where that is written, for messages. */
export interface Token {
  value: string;
  origin: string;
}

/**
 * The bearer token: of `file` (--token-file), $MODELCARS_MODEL_REGISTRY_TOKEN or the file $KF_PIPELINES_SA_TOKEN_PATH,
 * in this order; undefined without any: a registry inside a cluster may need none. Registers it with every Masker.
 * Fails with code `auth`.
 */
export async function readToken(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Token | undefined> {
  if (file !== undefined) return await fromFile(file, '--token-file');
  const given = env[variable]?.trim();
  if (given) return checked(given, variable);
  const path = env[pathVariable]?.trim();
  return path ? await fromFile(path, pathVariable) : undefined;
}

async function fromFile(path: string, where: string): Promise<Token> {
  const origin = `${displayPath(path)} (${where})`;
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOENT' ? 'no such file' : (cause.code ?? String(cause));
    throw new ModelcarsError('auth', `read the token of the model registry from ${origin}: ${problem}`, {
      next: `correct the path in ${where}`,
      cause,
    });
  });
  return checked(text.trim(), origin);
}

/** A token is part of a header, so a line break in it must never be sent (RFC 6750 section 2.1). */
function checked(value: string, origin: string): Token {
  learnSecret(value);
  if (/^[\w.~+/=-]+$/.test(value) && value.length <= mostCharacters) return { value, origin };
  throw new ModelcarsError(
    'auth',
    `read the token of the model registry from ${origin}: it is no bearer token`,
    {
      next: 'give the token alone, without quotes or `Bearer`',
    },
  );
}
