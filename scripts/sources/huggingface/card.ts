/** The hub's metadata of a model, besides its files. */
export interface ModelCard {
  /** README.md's front matter. */
  cardData?: unknown;
  library?: unknown;
  task?: unknown;
}

/** Longest value kept, in characters. */
const longest = 256;
/** Most items kept of a list. */
const mostItems = 16;

/**
 * The part of a model card that goes into the lock and the image: `license` (with `license_name` and `license_link`
 * where it is `other`), `base_model`, `datasets`, `pipeline_tag`, `library_name`. All of it is untrusted text: anything but a short
 * line is left out; a list becomes one line with commas.
 */
export function cardOf({ cardData, library, task }: ModelCard): Record<string, string> {
  const card = typeof cardData === 'object' && cardData !== null ? (cardData as Record<string, unknown>) : {};
  const found: Record<string, unknown> = {
    base_model: card.base_model,
    datasets: whole(card.datasets),
    library_name: library ?? card.library_name,
    license: card.license,
    ...(card.license === 'other' && { license_link: card.license_link, license_name: card.license_name }),
    pipeline_tag: task ?? card.pipeline_tag,
  };
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, value]) => {
      const line = lineOf(value);
      return line === undefined ? [] : [[name, line]];
    }),
  );
}

/** A list that is kept whole or not at all: a part of the datasets would read as all of them. */
function whole(list: unknown): unknown {
  return Array.isArray(list) && list.length > mostItems ? undefined : list;
}

function lineOf(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    // A nested list, however deep, is left out.
    const lines = value.slice(0, mostItems).map((one) => (Array.isArray(one) ? undefined : lineOf(one)));
    const whole = lines.every((line) => line !== undefined) ? lines.join(', ') : '';
    return lineOf(whole);
  }
  if (typeof value !== 'string') return undefined;
  const line = value.trim();
  const bad =
    line === '' || line.length > longest || !line.isWellFormed() || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(line);
  return bad ? undefined : line;
}
