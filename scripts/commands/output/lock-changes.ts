import type { BaseChange, FileChange, LockChanges, ModelChange } from '../../pipeline/lock-changes.ts';
import { formatBytes } from '../../text/bytes.ts';
import { plain } from '../../text/format.ts';

/** Files shown per model; any others are only counted. */
const mostFiles = 20;

/**
 * The differences between two locks, for people: one line for each model and base, and one for each file of a model
 * that already had an entry (`+` added, `-` removed, `~` changed).
 */
export function changeLines({ models, bases }: LockChanges): string[] {
  return [...models.flatMap(modelLines), ...bases.map(baseLine)];
}

function modelLines({ model, change, from = '', to = '', size, files, fields }: ModelChange): string[] {
  const all = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(size)}`;
  if (change === 'added') return [`+ ${model}: ${short(to)}, ${all}`];
  if (change === 'removed') return [`- ${model}: ${short(from)}, ${all}`];
  const revision = from === to ? short(to) : `${short(from)} → ${short(to)}`;
  const others = fields.length === 0 ? '' : ` (${fields.map((field) => `\`${field}\``).join(', ')} changed)`;
  const rest = files.length - mostFiles;
  return [
    `~ ${model}: ${revision}${others}`,
    ...files.slice(0, mostFiles).map((file) => `  ${fileLine(file)}`),
    ...(rest > 0 ? [`  … and ${rest} more files`] : []),
  ];
}

function fileLine({ path, change, from, to }: FileChange): string {
  const [before, after] = [from, to].map((state) => (state === undefined ? '' : formatBytes(state.size)));
  if (change === 'added') return `+ ${plain(path)} ${after}`;
  if (change === 'removed') return `- ${plain(path)} ${before}`;
  const sizes = from?.size === to?.size ? `${after}, other bytes` : `${before} → ${after}`;
  return `~ ${plain(path)} ${sizes}`;
}

function baseLine({ base, platform, from, to }: BaseChange): string {
  const name = `base ${plain(base)} ${platform}`;
  if (from === undefined) return `+ ${name}: ${short(to ?? '')}`;
  if (to === undefined) return `- ${name}: ${short(from)}`;
  return `~ ${name}: ${short(from)} → ${short(to)}`;
}

/** A revision, shortened for people: the first 12 digits of a digest or commit. */
function short(revision: string): string {
  return plain(revision).replace(/\b([0-9a-f]{12})[0-9a-f]{20,}\b/, '$1');
}
