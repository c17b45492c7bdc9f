/** The hub's metadata of a model, besides its files. */
export interface ModelCard {
  /** README.md's front matter. */
  cardData?: unknown;
  library?: unknown;
  task?: unknown;
}

/** Longest value kept, in characters. */
const longest = 256;

/**
 * The part of a model card that goes into the lock and the image: `license` (with `license_name` and `license_link`
 * where it is `other`), `base_model`, `pipeline_tag`, `library_name`. All of it is untrusted text: anything but a short
 * line is left out; a list becomes one line with commas.
 */
export function cardOf({ cardData, library, task }: ModelCard): Record<string, string> {
  const card = typeof cardData === 'object' && cardData !== null ? (cardData as Record<string, unknown>) : {};
  const found: Record<string, unknown> = {
    base_model: card.base_model,
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

function lineOf(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    // A nested list, however deep, is left out.
    const lines = value.slice(0, 16).map((one) => (Array.isArray(one) ? undefined : lineOf(one)));
    const whole = lines.every((line) => line !== undefined) ? lines.join(', ') : '';
    return lineOf(whole);
  }
  if (typeof value !== 'string') return undefined;
  const line = value.trim();
  const bad =
    line === '' || line.length > longest || !line.isWellFormed() || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(line);
  return bad ? undefined : line;
}
