import type { Locking } from '../../pipeline/lock.ts';
import type { BaseChange, FileChange, LockChanges, ModelChange } from '../../pipeline/lock-changes.ts';
import { formatBytes } from '../../text/bytes.ts';
import { plain } from '../../text/format.ts';
import { displayPath } from '../../text/paths.ts';

const wouldBe = {
  created: 'would be created',
  changed: 'would change',
  unchanged: 'would stay as it is',
};

/** The effect of `lock` on the lock file, and what a failure left: `changed; 1 of 5 models failed and keeps …`. */
export function resultLine({ outcomes, change, kept, lockExists }: Locking, dryRun: boolean): string {
  const failed = outcomes.filter(({ status }) => status === 'failed').length;
  const effect = dryRun ? wouldBe[change] : change;
  if (failed === 0) return effect;
  const lacking = failed - kept.length;
  const of = `${failed} of ${outcomes.length} models failed`;
  const end =
    lacking === 0
      ? ` and ${failed === 1 ? 'keeps its previous entry' : 'keep their previous entries'}`
      : kept.length === 0
        ? ` and ${failed === 1 ? 'has' : 'have'} no entry`
        : `: ${kept.length} with the previous entry, ${lacking} without an entry`;
  const what = change === 'unchanged' && !lockExists ? 'not written' : effect;
  return `${what}; ${of}${end}`;
}

/** Files shown per model; any others are only counted. */
const mostFiles = 20;

/**
 * The differences between two locks, for people: one line for each model and base, and one for each file of a model
 * that already had an entry (`+` added, `-` removed, `~` changed).
 */
export function changeLines({ models, bases }: LockChanges): string[] {
  return [...models.flatMap(modelLines), ...bases.map(baseLine)];
}

function modelLines(changed: ModelChange): string[] {
  const { model, change, from = '', to = '', size, files, fields, catalog } = changed;
  const all = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(size)}`;
  if (change === 'added') return [`+ ${model}: ${short(to)}, ${all}`];
  const other = catalog === undefined ? '' : `; ${plain(displayPath(catalog))} has it`;
  if (change === 'removed') return [`- ${plain(model)}: ${short(from)}, ${all}${other}`];
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
export function short(revision: string): string {
  return plain(revision).replace(/\b([0-9a-f]{12})[0-9a-f]{20,}\b/, '$1');
}
