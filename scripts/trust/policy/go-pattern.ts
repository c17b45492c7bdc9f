import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';

/**
 * An `identityPattern` as the regular expression that Kyverno and policy-controller take: anchored, since they look for
 * a match anywhere, and of Go (github.com/google/re2/wiki/Syntax), which has neither look-around nor back-references.
 * Fails with code `trust` for these.
 */
export function goPattern(pattern: string): string {
  const foreign = /\(\?(?:<?[=!])|\\(?:[1-9ck]|u)/.exec(pattern);
  if (foreign === null) return `^(?:${pattern})$`;
  throw new ModelcarsError(
    'trust',
    `use identityPattern ${plain(pattern)}: \`${plain(foreign[0])}\` means nothing in the regular expressions of Go`,
    { next: 'write it without look-around, back-references and \\u escapes' },
  );
}
