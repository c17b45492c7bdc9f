import type { Container } from '@dagger.io/dagger';

/**
 * What an exec prints. When it fails, an error with the program's own words (`error: …`, `next: …`) instead of a command line
 * and an exit code. A failed exec is not cached, so that it is tried again the next time.
 */
export async function printed(container: Container): Promise<string> {
  return await told(() => container.stdout());
}

/** The result of anything that runs the program, with its own words for an error. */
export async function told<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new Error(sentenceOf(error));
  }
}

/** All results, or one error with what every failed one had to say, each once. */
export async function allTold<T>(runs: (() => Promise<T>)[]): Promise<T[]> {
  const results = await Promise.allSettled(runs.map((run) => run()));
  const failed = results.flatMap((result) =>
    result.status === 'rejected' ? [sentenceOf(result.reason)] : [],
  );
  if (failed.length > 0) throw new Error([...new Set(failed)].join('\nerror: '));
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** The program's words begin after its first `error:` (dagger writes that itself); without one, all that was printed. */
function sentenceOf(error: unknown): string {
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
