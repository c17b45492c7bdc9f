import { cancelled, ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import { Masker } from '../../text/mask.ts';
import { type Ended, HelperBroken, runHelper } from './helper-process.ts';
import type { Credential } from './types.ts';

export interface HelperOptions {
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** Called with a program that is not installed. */
  onMissing(program: string): void;
  /** Timeout in milliseconds; 30 s by default. */
  timeout?: number;
}

const defaultTimeout = 30_000;

/**
 * Asks `docker-credential-NAME get` for the credential of a host (docker-credential-helpers' protocol: host on stdin,
 * JSON on stdout). Undefined when the helper has none or is not installed. Fails with an `auth` error that includes its
 * stderr when it fails or takes 30 s.
 */
export async function askHelper(
  name: string,
  host: string,
  options: HelperOptions,
): Promise<Credential | undefined> {
  const { env, signal, onMissing, timeout = defaultTimeout } = options;
  const program = `docker-credential-${name}`;
  // The name comes from a file and is looked up on PATH, which it must not be able to leave.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new ModelcarsError(
      'auth',
      `ask credential helper ${JSON.stringify(plain(name))}: not a helper's name`,
      {
        next: 'correct credHelpers and credsStore in the registry configuration file',
      },
    );
  }
  const fail = (why: string, ended: Partial<Ended> = {}, cause?: unknown) => {
    const said = shown(ended, env);
    return new ModelcarsError('auth', `ask ${program} for ${host}: ${why}${said && ` (${said})`}`, {
      cause,
      next: `run \`echo ${host} | ${program} get\` to see what is wrong`,
    });
  };
  const ended = await runHelper({ program, host, env, signal, timeout }).catch((cause: unknown) => {
    if (signal?.aborted) throw cancelled(cause);
    if (cause instanceof HelperBroken) throw fail(cause.message, cause);
    throw fail(`it could not be run: ${(cause as NodeJS.ErrnoException).code ?? cause}`, {}, cause);
  });
  if (ended === undefined) {
    onMissing(program);
    return undefined;
  }
  if (ended.code !== 0) {
    // Text from docker-credential-helpers: credentials.errCredentialsNotFoundMessage.
    if (/credentials not found/i.test(ended.stdout)) return undefined;
    throw fail(`it ended with ${ended.code ?? 'a signal'}`, ended);
  }
  const answer = parse(ended.stdout);
  // No cause: a JSON error quotes its input, which may be the secret.
  if (answer === undefined) throw fail('it answered something else than JSON', ended);
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
  return username === '<token>'
    ? { kind: 'identity', token: secret }
    : { kind: 'basic', username, password: secret };
}

function parse(stdout: string): { Username?: unknown; Secret?: unknown } | undefined {
  try {
    return JSON.parse(stdout) ?? {};
  } catch {
    return undefined;
  }
}

/** A helper's stderr on one line, at most 300 characters, without any text of its stdout, which holds its secrets. */
function shown({ stdout = '', stderr = '' }: Partial<Ended>, env: NodeJS.ProcessEnv): string {
  const masker = Masker.fromEnvironment(env);
  for (const word of stdout.split(/[\s"'{},:=]+/)) masker.add(word);
  const line = masker
    .mask(stderr)
    .replace(/[^\P{C}\t]|\s+/gu, ' ')
    .trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}
