import type { Container } from '@dagger.io/dagger';
import { getTracer } from '@dagger.io/dagger/telemetry';
import { inDaggersWords } from './wording.ts';

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

/** Work on one model. */
export interface ModelRun<T> {
  model: string;
  run: () => Promise<T>;
}

/**
 * All results, or one error with the words of every failed run; models that failed for one cause share one message. In the engine's output
 * and traces, the steps of a run are below a span with the model's name.
 */
export async function allOrErrors<T>(runs: ModelRun<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(
    runs.map(({ model, run }) => getTracer().startActiveSpan(model, run)),
  );
  const failures = new Map<string, { message: string; models: string[] }>();
  for (const [at, result] of results.entries()) {
    if (result.status === 'fulfilled') continue;
    const message = programErrorOf(result.reason);
    const model = runs[at]?.model ?? '';
    const same = failures.get(causeOf(message));
    if (same) same.models.push(model);
    else failures.set(causeOf(message), { message, models: [model] });
  }
  if (failures.size > 0) throw new Error([...failures.values()].map(withOthers).join('\nerror: '));
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** The part of a message that names no model: what follows the last colon, and the advice. */
function causeOf(message: string): string {
  const [first = '', ...rest] = message.split('\n');
  return [first.slice(first.lastIndexOf(': ') + 1), ...rest].join('\n');
}

/** The first message, and the other models that the same cause stopped, before the advice. */
function withOthers({ message, models: [, ...others] }: { message: string; models: string[] }): string {
  if (others.length === 0) return message;
  const [first, ...rest] = message.split('\n');
  return [first, `The same stopped ${others.join(', ')}.`, ...rest].join('\n');
}

/** The program's words after its first `error:` (dagger writes that word itself); without one, all that it printed. */
function programErrorOf(error: unknown): string {
  // The class ExecError is not part of the SDK that an engine generates.
  if (!(error instanceof Error)) return String(error);
  return inDaggersWords(engineError(error.message) ?? printedError(error));
}

/** Failures of the engine that have a way out in this module. */
function engineError(message: string): string | undefined {
  const lost = /secret (?:env|mount) "([^"]+)": (?:rpc error: code = \w+ desc = )?(.*)/.exec(message);
  if (lost) {
    const next =
      'next: set the variable, or write the file, that the argument names as env:NAME or file:PATH';
    return `read the secret for ${lost[1]}: ${lost[2]}\n${next}`;
  }
  const image = /failed to resolve image "?([^\s"]+?)"?(?: \(platform[^)]*\))?: (.*)/.exec(message);
  if (image) {
    const next =
      'next: name it as your registry has it: --node-image before the function, or --python, --docker and --go of with-images';
    return `pull the image ${image[1]}: ${image[2]}\n${next}`;
  }
  if (/stat \/usr\/local\/bin\/docker: no such file/.test(message)) {
    const next = 'next: name one that has it, as docker:dind has: --docker of with-images';
    return `find Docker for kind: its image has no /usr/local/bin/docker\n${next}`;
  }
  return undefined;
}

/** What the failed command printed: an error, or what failed in a smoke test, without the progress before it. */
function printedError(error: Error): string {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  const [own] = /^(?:error|failed): [\s\S]*/m.exec(stderr) ?? [];
  if (own !== undefined) return own.replace(/^error: /, '').trim();
  const document = documentError(stdout);
  if (document !== undefined) return document;
  // A smoke test that skipped a model says why in its table.
  const printed = [stderr, stdout].map((text) => text.trim()).filter((text) => text !== '');
  return printed.length > 0 ? printed.join('\n\n') : error.message.trim();
}

/** The errors of a document that the program printed for `--json`. */
function documentError(stdout: string): string | undefined {
  type Failure = { message: string; next?: string };
  let document: { error?: Failure; models?: { error?: Failure }[] };
  try {
    document = JSON.parse(stdout) as typeof document;
  } catch {
    return undefined;
  }
  const failures = [document.error, ...(document.models ?? []).map(({ error }) => error)];
  const texts = failures.flatMap((one) =>
    one ? [[one.message, ...(one.next ? [`next: ${one.next}`] : [])].join('\n')] : [],
  );
  return texts.length > 0 ? texts.join('\nerror: ') : undefined;
}
