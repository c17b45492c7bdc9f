import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import type { Objection } from './judge.ts';

/** Objections that a message lists. */
const mostListed = 3;

/** The error of a file that can run code: why, and what in models.yaml would let it through. */
export function unsafeFileError(
  model: string,
  path: string,
  objections: readonly Objection[],
): ModelcarsError {
  const reasons = objections.slice(0, mostListed).map(({ why }) => plain(why));
  const more = objections.length - reasons.length;
  const rest = more > 0 ? `; and ${more} more` : '';
  const message = `check ${model}: ${plain(path)} ${reasons.join('; ')}${rest}`;
  const allow = allowText(objections);
  const next = `do not serve this file${allow === undefined ? '' : `; if this is meant, add ${allow} to ${model} in models.yaml`}`;
  return new ModelcarsError('trust', message, { next });
}

/** `allow: {imports: [a.B], unread: [model.h5]}`; undefined when a name would not survive YAML, or there are too many. */
function allowText(objections: readonly Objection[]): string | undefined {
  const fields = new Map<string, Set<string>>();
  for (const { allow } of objections) {
    if (!/^[\w./ -]+$/.test(allow.value) && allow.field !== 'imports') return undefined;
    if (!/^[\w.:]+$/.test(allow.value) && allow.field === 'imports') return undefined;
    fields.set(allow.field, (fields.get(allow.field) ?? new Set()).add(allow.value));
  }
  if (objections.length > 20) return undefined;
  const parts = [...fields].map(
    ([field, values]) => `${field}: [${[...values].map(quotedForYaml).join(', ')}]`,
  );
  return `\`allow: {${parts.join(', ')}}\``;
}

function quotedForYaml(value: string): string {
  return /[: ]/.test(value) ? `"${value}"` : value;
}
