import { type Unescaped, undoEscapes } from './escapes.ts';

/** Replaces a secret. */
const stars = '****';
/** Below this length, showing the first and last 4 characters would reveal half of the secret. */
const shortest = 20;

/** Masks a secret for display: the first and last 4 characters of a long one, nothing of a shorter one. */
export function maskSecret(secret: string): string {
  return secret.length < shortest ? stars : `${secret.slice(0, 4)}${stars}${secret.slice(-4)}`;
}

/** Environment variables with secret values, by the usual naming. */
const secretName = /(TOKEN|PASSWORD|PASSWD|SECRET|API_?KEY|ACCESS_KEY|PRIVATE_KEY|_AUTH)(_|$)/i;
/** Variables named like secrets that contain a path, an id or a switch. */
const harmlessName = /(_FILE|_PATH|_DIR|_HOME|_SOCK|_ID|_URL|_URI)$/i;

/** Secrets recognizable from their context: user info of a URL, signed queries, Authorization headers. */
const shapes: [RegExp, string][] = [
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s?#'"]*@/gi, `$1${stars}@`],
  [
    /([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|X-Goog-(?:Signature|Credential)|Signature|sig|token|access_token|refresh_token|password|Policy|Key-Pair-Id)=)[^&\s'"]+/gi,
    `$1${stars}`,
  ],
  [/(\bauthorization["']?\s*[:=]\s*["']?(?:basic|bearer|token)\s+)[^\s'",]+/gi, `$1${stars}`],
  [/(\b(?:basic|bearer)\s+)(?=\S*\d)[A-Za-z0-9._~+/-]{16,}=*/gi, `$1${stars}`],
  [/\bhf_[A-Za-z0-9]{20,}\b/g, `hf_${stars}`],
];

/** Secrets found at run time in files, credential helpers and responses, oldest first: every Masker hides them too. */
const learned = new Map<string, Form[]>();
/** A long push receives a new token every few minutes. */
const mostLearned = 500;

/** Registers a secret with every Masker of this process. Ignored below 6 characters. */
export function learnSecret(secret: string): void {
  const clean = secret.trim();
  if (clean.length < leastLength || learned.has(clean)) return;
  learned.set(clean, formsOf(clean));
  const [oldest] = learned.keys();
  if (learned.size > mostLearned && oldest !== undefined) learned.delete(oldest);
}

/** A short value ("true", "1234") occurs in too many harmless words. */
const leastLength = 6;
/** This much of a long secret's beginning counts as a secret: texts from outside are truncated before masking. */
const leastPrefix = 12;
const tornEscape = /(?:%[0-9a-f]?|\\(?:[ux][0-9a-f]{0,3})?|&#?[0-9a-z]{0,8})+$/i;
/** How many nested escapes are decoded: JSON in a URL in an HTML page. */
const mostLayers = 3;

/** One written form of a secret. */
interface Form {
  text: string;
  /** The replacement for the whole form. */
  shown: string;
}

/** A range of a text to replace. */
interface Range {
  start: number;
  end: number;
  shown: string;
}

/** Replaces every known secret in any text: the last check before a terminal or a log, but not the only one. */
export class Masker {
  readonly #secrets = new Map<string, Form[]>();

  /** Creates a masker with the secrets of an environment. */
  static fromEnvironment(environment: NodeJS.ProcessEnv = process.env): Masker {
    const masker = new Masker();
    for (const [name, value] of Object.entries(environment)) {
      if (value && secretName.test(name) && !harmlessName.test(name)) masker.add(value);
    }
    return masker;
  }

  /** Adds a secret in its plain, base64 and hexadecimal forms. Ignored below `least` characters. */
  add(secret: string, least = leastLength): void {
    const clean = secret.trim();
    if (clean.length >= least) this.#secrets.set(clean, formsOf(clean));
  }

  /** Masks every known secret, however it is escaped, and anything that looks like a secret. */
  mask(text: string): string {
    const forms = [...this.#secrets.values(), ...learned.values()].flat();
    let masked = forms.length === 0 ? text : replace(text, findAll(text, forms));
    for (const [shape, replacement] of shapes) masked = masked.replace(shape, replacement);
    return masked;
  }
}

/**
 * The forms of a secret: plain, form-encoded (`+` for a blank), hexadecimal, and base64 (RFC 4648, both alphabets)
 * inside any text: the digits that depend on the secret alone, for each of its three offsets in a group of three bytes.
 */
function formsOf(secret: string): Form[] {
  const shown = maskSecret(secret);
  const hex = Buffer.from(secret).toString('hex');
  const texts = new Set([secret, secret.replaceAll(' ', '+'), hex, hex.toUpperCase()]);
  for (const before of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const [first, last] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
    for (const alphabet of ['base64', 'base64url'] as const)
      texts.add(bytes.toString(alphabet).slice(first, last));
  }
  return [...texts].map((text) => ({ text, shown }));
}

function findAll(text: string, forms: readonly Form[]): Range[] {
  const ranges: Range[] = [];
  let view: Unescaped | undefined = {
    text,
    starts: Uint32Array.from({ length: text.length + 1 }, (_, at) => at),
  };
  for (let layer = 0; layer <= mostLayers && view !== undefined; layer++) {
    const { starts }: Unescaped = view;
    for (const { start, end, shown } of findIn(view.text, forms))
      ranges.push({ start: starts[start] ?? 0, end: starts[end] ?? text.length, shown });
    const next: Unescaped | undefined = undoEscapes(view.text);
    view = next && { text: next.text, starts: next.starts.map((at): number => starts[at] ?? text.length) };
  }
  return ranges;
}

function* findIn(text: string, forms: readonly Form[]): Generator<Range> {
  for (const { text: secret, shown } of forms) {
    // The beginning of a short secret may be a harmless word.
    const needle = secret.length < leastPrefix + 4 ? secret : secret.slice(0, leastPrefix);
    for (let start = text.indexOf(needle); start !== -1; ) {
      let length = needle.length;
      while (length < secret.length && text[start + length] === secret[length]) length++;
      yield { start, end: start + length, shown: length === secret.length ? shown : stars };
      start = text.indexOf(needle, start + length);
    }
    for (let end = text.indexOf('…'); end !== -1; end = text.indexOf('…', end + 1)) {
      // The text may have been cut inside an escape.
      const torn = tornEscape.exec(text.slice(Math.max(0, end - 10), end))?.[0].length ?? 0;
      const length = beginsBefore(text, end - torn, secret) || beginsBefore(text, end, secret);
      if (length > 0) yield { start: end - torn - length, end, shown: stars };
    }
  }
}

/** Length of a secret's beginning that precedes the place where a text was cut; 0 below 4 characters. */
function beginsBefore(text: string, end: number, secret: string): number {
  for (let length = Math.min(secret.length, leastPrefix, end); length >= 4; length--)
    if (text.startsWith(secret.slice(0, length), end - length)) return length;
  return 0;
}

/** Where ranges overlap, the longest goes first: a secret may be part of another. */
function replace(text: string, ranges: readonly Range[]): string {
  const sorted = ranges.toSorted((a, b) => a.start - b.start || b.end - a.end);
  let masked = '';
  let at = 0;
  for (let index = 0; index < sorted.length; ) {
    const first = sorted[index] as Range;
    let { end, shown } = first;
    for (index++; index < sorted.length && (sorted[index] as Range).start < end; index++) {
      const other = sorted[index] as Range;
      if (other.end > end) shown = stars;
      end = Math.max(end, other.end);
    }
    masked += text.slice(at, first.start) + shown;
    at = end;
  }
  return masked + text.slice(at);
}
