import { ModelcarsError } from '../errors.ts';

/** Where in an image a lie was found; whatever is known. */
export interface Where {
  /** `linux/arm64`. */
  platform?: string | undefined;
  /** Digest of the layer. */
  layer?: string | undefined;
  /** Name of the tar member as it stands in the header: hostile text. */
  member?: string | undefined;
}

/** The step for an image that is not as `modelcars build` makes it. */
export const rebuild =
  'build the image again with `modelcars build`; if it was built so, something changed it afterwards';

/** An image that is not what it says or not what the contract wants. Private to the room: verifyImage turns it into a ModelcarsError. */
export class ContractViolation extends Error {
  readonly where: Where;
  readonly next: string;

  constructor(text: string, where: Where = {}, next: string = rebuild) {
    super(text);
    this.name = 'Lie';
    this.where = where;
    this.next = next;
  }
}

/** A lie about the image called `name` as the error that a user reads; any other error as it is. */
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

/** The start of a digest, enough to find the blob. */
export function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}

/** Text from an image made fit for a terminal: control and other invisible characters escaped, at most 200 characters. */
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
