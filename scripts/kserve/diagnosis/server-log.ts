/** The number of log lines that fit on one screen. */
const room = 12;

/** A Python traceback: its lines, the last of which names the error. */
interface Trouble {
  lines: string[];
  last: string;
  /** Index of the last line. */
  at: number;
}

/** The line that ends a traceback: `ValueError: …`, `mlserver.errors.ModelNotFound: …`. */
const ending = /^(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Warning|NotFound|Exit|Interrupt)\w*(?::|$)/;
const bad =
  /error|exception|denied|fail|fatal|cannot|can't|could not|not found|no such|NOK|invalid|killed|abort/i;
/** Lines about requests (including the smoke test's) and about the shutdown. */
const noise = /HTTP\/\d(\.\d)?["' ]|\b(GET|POST) \/|Shutting down|shutdown/;
/** What Triton prints on every machine without a GPU, its tables of settings, and the headings of those, each before an empty line. */
const filler =
  /^\s*$|^[|+]|^[IWE]\d{4} .*(pinned_memory_manager|CudaDriverHelper|metrics)|Failed to initialize NVML|^I\d{4} .*\.cc:\d+\]\s*$/;

/** The tracebacks in a log, in order; the first usually causes the others. The first may lack its beginning. */
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
 * The lines of a log that may show a cause, in groups, the most relevant first: the line that names the first error;
 * its whole traceback (frames show the operation); then other lines that report errors, and the end of the log.
 */
export function relevantLines(log: readonly string[]): string[][] {
  const [first] = troubles(log);
  const own = log.filter((line) => !filler.test(line));
  const rest = own.filter((line) => bad.test(line) && !noise.test(line));
  const end = own.filter((line) => !noise.test(line)).slice(-room);
  return [...(first ? [[first.last], [first.lines.join('\n')]] : []), [...rest, ...end]];
}

/** The line that names the first error in a log; undefined when it has none. */
export function firstError(log: readonly string[]): string | undefined {
  return troubles(log)[0]?.last;
}

/** The part of a log that fits on one screen: the first error, and the end. */
export function excerpt(all: readonly string[]): string[] {
  const log = all.filter((line) => !filler.test(line));
  const first = troubles(log)[0];
  if (log.length <= room || first === undefined || first.at >= log.length - room) return log.slice(-room);
  const around = log.slice(Math.max(0, first.at - 6), first.at + 1);
  return [...around, '…', ...log.slice(-(room - around.length - 1))];
}
