import { createHash } from 'node:crypto';

/** The commands that write bases: each regards the other's files as those of someone else. */
export type BaseWriter = 'manifest' | 'prefetch';

/** The first line of every file of a base: who wrote it, and a checksum of all that follows. */
const heading = /^# Written by `modelcars (manifest|prefetch)` \(checksum ([0-9a-f]{16})\): [^\n]*\n/;

/** A file's text with a first line by which a later run knows it, and whether a user has edited it. */
export function sealed(text: string, by: BaseWriter): string {
  const advice = 'edit models.yaml or an overlay instead';
  return `# Written by \`modelcars ${by}\` (checksum ${checksum(text)}): ${advice}.\n${text}`;
}

/**
 * Whether `sealed` wrote the text of a file for the same command; `edited` when it was changed since. Line ends may be
 * those of Windows.
 */
export function sealOf(text: string, by: BaseWriter): 'intact' | 'edited' | 'foreign' {
  const unix = text.replaceAll('\r\n', '\n');
  const [line, writer, written] = heading.exec(unix) ?? [];
  if (line === undefined || writer !== by) return 'foreign';
  return checksum(unix.slice(line.length)) === written ? 'intact' : 'edited';
}

/** Tells an edit by accident, so a short one is enough. */
function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
