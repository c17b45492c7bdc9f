import { type ErrorCode, ModelcarsError } from '../errors.ts';
import type { Masker } from '../text/mask.ts';
import { safeLines } from '../text/width.ts';
import type { Colors } from './color.ts';

/** The shape of a failure in `--json` output. */
export interface ErrorJson {
  code: ErrorCode;
  message: string;
  next?: string;
}

/** How to report a bug. */
const report =
  'run it again with DEBUG=modelcars and open an issue with the command, the output and `modelcars version`';

/** Whether this is a ModelcarsError; checked by name too, in case the class was loaded twice. */
function isOurs(error: unknown): error is ModelcarsError {
  return error instanceof ModelcarsError || (error instanceof Error && error.name === 'ModelcarsError');
}

/**
 * Converts any thrown value to a ModelcarsError: other errors get code `bug`, or `disk` for the system's disk errors.
 */
export function asModelcarsError(error: unknown): ModelcarsError {
  if (isOurs(error)) return error;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const message = error instanceof Error ? error.message || error.name : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ModelcarsError('disk', `write file: ${message}`, {
      next: 'free some space, or name another folder with --output or --store',
      cause: error,
    });
  }
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new ModelcarsError('disk', `open file: ${message}`, {
      next: 'raise the limit of open files (`ulimit -n 1024`), or lower --concurrency',
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new ModelcarsError('disk', `use file: ${message}`, {
      next: 'check its permissions',
      cause: error,
    });
  }
  return new ModelcarsError('bug', `${message} (this is a bug in modelcars)`, { next: report, cause: error });
}

/** A failure as JSON: code for programs, message and next step for users; masked. */
export function errorToJson(error: unknown, masker: Masker): ErrorJson {
  const { code, message, next } = asModelcarsError(error);
  const json: ErrorJson = { code, message: masker.mask(message) };
  if (next !== undefined) json.next = masker.mask(next);
  return json;
}

export interface RenderOptions {
  colors: Colors;
  masker: Masker;
  /** Shows stacks and causes; from DEBUG=modelcars. */
  debug?: boolean;
  /** The failed subject when several are shown: a model's name. */
  subject?: string;
}

/** A failure as text: `error: …`, then `next: …`; a stack only with `debug`. No trailing newline. */
export function renderError(error: unknown, options: RenderOptions): string {
  const { colors, masker } = options;
  const ours = asModelcarsError(error);
  const subject = options.subject === undefined ? '' : `${options.subject}: `;
  const [first, ...rest] = safeLines(masker.mask(subject + ours.message)).split('\n');
  const lines = [`${colors.bold(colors.red('error:'))} ${first}`, ...rest.map(indent)];
  if (ours.next !== undefined) {
    const [head, ...more] = safeLines(masker.mask(ours.next)).split('\n');
    lines.push(`${colors.bold('next:')} ${head}`, ...more.map(indent));
  }
  if (options.debug) lines.push(colors.dim(safeLines(masker.mask(stacks(error)))));
  return lines.join('\n');
}

/** Whether DEBUG names modelcars: `DEBUG=modelcars`, `DEBUG=a,modelcars`, `DEBUG=*`. */
export function isDebug(environment: NodeJS.ProcessEnv = process.env): boolean {
  return (environment.DEBUG ?? '').split(/[\s,]+/).some((name) => name === 'modelcars' || name === '*');
}

/** The stacks of an error and its causes. */
function stacks(error: unknown): string {
  const parts: string[] = [];
  let current = error;
  for (let depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    parts.push(current instanceof Error ? (current.stack ?? current.message) : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join('\ncaused by: ');
}

/** Indents a message's further lines below its first, unless already indented. */
function indent(line: string): string {
  return line.startsWith('  ') ? line : `  ${line}`;
}
