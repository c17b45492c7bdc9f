/** Lines of a log that one screen has room for. */
const room = 12;

/** A Python traceback: its lines, and the last of them, which names the error. */
interface Trouble {
  lines: string[];
  last: string;
  /** Where the last line stands. */
  at: number;
}

/** The line that ends a traceback: `ValueError: …`, `mlserver.errors.ModelNotFound: …`. */
const ending = /^(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Warning|NotFound|Exit|Interrupt)\w*(?::|$)/;
const bad =
  /error|exception|denied|fail|fatal|cannot|can't|could not|not found|no such|NOK|invalid|killed|abort/i;
/** What a server says of requests, ours among them, is no reason for anything. */
const noise = /HTTP\/\d(\.\d)?["' ]|\b(GET|POST) \/|Shutting down|shutdown/;

/** The tracebacks in a log, in their order; the first is mostly the reason for the others. The head of one may be cut off. */
function troubles(log: readonly string[]): Trouble[] {
  const found: Trouble[] = [];
  let start = 0;
  for (const [at, line] of log.entries()) {
    if (/^Traceback \(most recent call last\)/.test(line)) start = at;
    const before = log[at - 1] ?? '';
    if (!ending.test(line) || !/^\s/.test(before)) continue;
    found.push({ lines: log.slice(start, at + 1), last: line, at });
    start = at + 1;
  }
  return found;
}

/**
 * What in a log may tell a cause, in groups, the most telling first: the line that names the first error; the whole of its traceback (frames tell
 * what was being done); then whatever else sounds bad, and the end of the log.
 */
export function relevantLines(log: readonly string[]): string[][] {
  const [first] = troubles(log);
  const rest = log.filter((line) => bad.test(line) && !noise.test(line));
  const end = log.filter((line) => !noise.test(line)).slice(-room);
  return [...(first ? [[first.last], [first.lines.join('\n')]] : []), [...rest, ...end]];
}

/** The line that names the first error of a log, where there is one. */
export function firstError(log: readonly string[]): string | undefined {
  return troubles(log)[0]?.last;
}

/** As many lines as one screen has room for: where the first error is named, and the end. */
export function excerpt(log: readonly string[]): string[] {
  const first = troubles(log)[0];
  if (log.length <= room || first === undefined || first.at >= log.length - room) return log.slice(-room);
  const around = log.slice(Math.max(0, first.at - 6), first.at + 1);
  return [...around, '…', ...log.slice(-(room - around.length - 1))];
}
