/** What stands where a secret stood. */
const stars = '****';
/** Below this length, first and last 4 characters would give half of the secret away. */
const shortest = 20;

/** A secret fit for being shown: first and last 4 characters of a long one, nothing of a shorter one. */
export function maskSecret(secret: string): string {
  return secret.length < shortest ? stars : `${secret.slice(0, 4)}${stars}${secret.slice(-4)}`;
}

/** Environment variables whose values are secrets, by how such variables are named everywhere. */
const secretName = /(TOKEN|PASSWORD|PASSWD|SECRET|API_?KEY|ACCESS_KEY|PRIVATE_KEY|_AUTH)(_|$)/i;
/** These end like secrets and hold a path, an id or a switch. */
const harmlessName = /(_FILE|_PATH|_DIR|_HOME|_SOCK|_ID|_URL|_URI)$/i;

/** Secrets that show themselves by their surroundings: user info of a URL, signed queries, Authorization headers. */
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

/** Replaces every known secret in any text; the last gate before a terminal or a log, not the only one. */
export class Masker {
  readonly #secrets = new Map<string, string>();

  /** A masker that knows the secrets of an environment. */
  static fromEnvironment(environment: NodeJS.ProcessEnv = process.env): Masker {
    const masker = new Masker();
    for (const [name, value] of Object.entries(environment)) {
      if (value && secretName.test(name) && !harmlessName.test(name)) masker.add(value);
    }
    return masker;
  }

  /** Learns a secret and the forms it is written in: as it is, in a URL, in JSON. Below 6 characters: ignored. */
  add(secret: string): void {
    const clean = secret.trim();
    // A short value ("true", "1234") stands in too many innocent words.
    if (clean.length < 6) return;
    const shown = maskSecret(clean);
    for (const form of [clean, encodeURIComponent(clean), JSON.stringify(clean).slice(1, -1)]) {
      this.#secrets.set(form, shown);
    }
  }

  /** The text without any known secret, and without what looks like one. */
  mask(text: string): string {
    let masked = text;
    // Longest first: a secret may be part of another.
    for (const [secret, shown] of [...this.#secrets].sort((a, b) => b[0].length - a[0].length)) {
      masked = masked.replaceAll(secret, shown);
    }
    for (const [shape, replacement] of shapes) masked = masked.replace(shape, replacement);
    return masked;
  }
}
