/** One challenge of a WWW-Authenticate header (RFC 9110 section 11.6.1); names are in lower case. */
export interface Challenge {
  scheme: string;
  parameters: Record<string, string>;
}

/**
 * Parses a WWW-Authenticate header: several challenges in one or several values, quoted strings with commas and
 * escapes. Never fails: unreadable text ends the list, because a registry's header is hostile until checked.
 */
export function parseChallenges(header: string | string[] | undefined): Challenge[] {
  const values = header === undefined ? [] : Array.isArray(header) ? header : [header];
  return values.flatMap((value) => parseValue(value.slice(0, 8192)));
}

const patterns = {
  separators: /[\s,]*/y,
  token: /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y,
  equals: /[ \t]*=[ \t]*/y,
  quoted: /"((?:[^"\\]|\\.)*)"/y,
  // Wider than a token: some registries write realm=https://… without quotes.
  bare: /[^\s,"]+/y,
  // `Negotiate TOKEN68`: not supported, but another challenge may follow it.
  token68: /[ \t]+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y,
};

function parseValue(text: string): Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    if (match) at = pattern.lastIndex;
    return match;
  };
  while (at < text.length) {
    take(patterns.separators);
    const word = take(patterns.token)?.[0].toLowerCase();
    if (word === undefined) break;
    const current = challenges.at(-1);
    if (current && take(patterns.equals)) {
      const value = take(patterns.quoted)?.[1]?.replace(/\\(.)/g, '$1') ?? take(patterns.bare)?.[0];
      if (value === undefined) break;
      // The first wins, so that a later parameter cannot override the realm.
      if (!Object.hasOwn(current.parameters, word)) current.parameters[word] = value;
    } else {
      challenges.push({ scheme: word, parameters: Object.create(null) });
      take(patterns.token68);
    }
  }
  return challenges;
}
