import { ModelcarsError } from '../errors.ts';

/** Where in an image a violation was found, as far as known. */
export interface Where {
  /** `linux/arm64`. */
  platform?: string | undefined;
  /** Digest of the layer. */
  layer?: string | undefined;
  /** Name of the tar member as in the header: untrusted text. */
  member?: string | undefined;
}

/** The next step for an image that differs from what `modelcars build` makes. */
export const rebuild =
  'rebuild the image with `modelcars build`; if that is how it was built, something changed it afterwards';

/**
 * An image that contradicts itself or breaks the contract. Internal to verify/: verifyImage turns it into a
 * ModelcarsError.
 */
export class ContractViolation extends Error {
  readonly where: Where;
  readonly next: string;

  constructor(text: string, where: Where = {}, next: string = rebuild) {
    super(text);
    this.name = 'ContractViolation';
    this.where = where;
    this.next = next;
  }
}

/** Turns a violation in the image `name` into the error for the user; returns any other error unchanged. */
export function asError(name: string, error: unknown): unknown {
  if (!(error instanceof ContractViolation)) return error;
  const { platform, layer, member } = error.where;
  const image = platform === undefined ? shown(name) : `${shown(name)} (${shown(platform)})`;
  const subject = member === undefined ? '' : `${shown(member)}: `;
  const place = layer === undefined ? '' : ` (layer ${short(layer)})`;
  return new ModelcarsError('integrity', `verify ${image}: ${subject}${error.message}${place}`, {
    next: error.next,
  });
}

/** The start of a digest, long enough to find the blob. */
export function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}

/** Text from an image, safe for a terminal: control and other invisible characters escaped, at most 200 characters. */
export function shown(text: string): string {
  const cut = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return cut.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** `1 file`, `12 files`. */
export function count(number: number, noun: string): string {
  if (number === 1) return `1 ${noun}`;
  return `${number} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}
