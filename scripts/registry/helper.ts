import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { ModelcarsError } from '../errors.ts';
import type { Credential } from './credentials.ts';

const timeout = 30_000;
const answerLimit = 256 * 1024;

/**
 * Asks `docker-credential-NAME get` for a host's credential (docker-credential-helpers' protocol: host on stdin, JSON
 * on stdout). Undefined when it has none or is not installed; an `auth` error when it fails or takes 30 s.
 */
export async function askHelper(
  name: string,
  host: string,
  env: NodeJS.ProcessEnv,
): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`;
  // The name comes from a file and is looked up on PATH: it must not be able to leave it.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new ModelcarsError('auth', `ask credential helper ${JSON.stringify(name)}: not a helper's name`, {
      next: 'correct credHelpers and credsStore in the registry configuration file',
    });
  }
  let answer: { code: number | null; stdout: string } | undefined;
  try {
    answer = await run(program, host, env);
  } catch (cause) {
    throw helperError(program, host, 'it could not be run, or did not answer within 30 s', cause);
  }
  if (answer === undefined) return undefined;
  if (answer.code !== 0) {
    // The text is docker-credential-helpers' own: credentials.errCredentialsNotFoundMessage.
    if (/credentials not found/i.test(answer.stdout)) return undefined;
    throw helperError(program, host, `it ended with ${answer.code ?? 'a signal'}`);
  }
  return readAnswer(program, host, answer.stdout);
}

function readAnswer(program: string, host: string, stdout: string): Credential | undefined {
  let answer: { Username?: unknown; Secret?: unknown };
  try {
    answer = JSON.parse(stdout);
  } catch {
    // No cause: a JSON error quotes its input, which may be the secret.
    throw helperError(program, host, 'it answered something else than JSON');
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
  return username === '<token>'
    ? { kind: 'identity', token: secret }
    : { kind: 'basic', username, password: secret };
}

async function run(
  program: string,
  host: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; stdout: string } | undefined> {
  const child = spawn(program, ['get'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number | null | undefined>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve(undefined) : reject(error),
    );
    child.once('close', resolve);
  });
  child.stdin.on('error', () => {}); // A helper may end without reading; its exit code says more.
  child.stdin.end(host);
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > answerLimit) child.kill('SIGKILL');
  });
  const [code, stdout] = await Promise.all([ended, text(child.stdout)]);
  return code === undefined ? undefined : { code, stdout };
}

function helperError(program: string, host: string, why: string, cause?: unknown): ModelcarsError {
  return new ModelcarsError('auth', `ask ${program} for ${host}: ${why}`, {
    cause,
    next: `run \`echo ${host} | ${program} get\` to see what is wrong`,
  });
}
