import type { Container } from '@dagger.io/dagger';

/**
 * The standard output of a container's last command. When it fails, an error with the program's own words (`error: …`, `next: …`)
 * instead of a command line and an exit code. The engine does not cache a failed command: the next call runs it again.
 */
export async function stdoutOf(container: Container): Promise<string> {
  return await withProgramError(() => container.stdout());
}

/** The result of anything that runs the program; a failure becomes an error with the program's own words. */
export async function withProgramError<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new Error(programErrorOf(error));
  }
}

/** All results, or one error with the words of every failed run, each once. */
export async function allOrErrors<T>(runs: (() => Promise<T>)[]): Promise<T[]> {
  const results = await Promise.allSettled(runs.map((run) => run()));
  const failed = results.flatMap((result) =>
    result.status === 'rejected' ? [programErrorOf(result.reason)] : [],
  );
  if (failed.length > 0) throw new Error([...new Set(failed)].join('\nerror: '));
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** The program's words after its first `error:` (dagger writes that word itself); without one, all that it printed. */
function programErrorOf(error: unknown): string {
  // The class ExecError is not part of the SDK that an engine generates.
  if (!(error instanceof Error)) return String(error);
  const lost = /secret (?:env|mount) "([^"]+)": (?:rpc error: code = \w+ desc = )?(.*)/.exec(error.message);
  if (lost) {
    const next =
      'next: set the variable, or write the file, that the argument names as env:NAME or file:PATH';
    return `read the secret for ${lost[1]}: ${lost[2]}\n${next}`;
  }
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  const at = stderr.search(/^error: /m);
  return (at >= 0 ? stderr.slice(at + 'error: '.length) : stderr || stdout || error.message).trim();
}
