/**
 * Known licence identifiers of the hub whose SPDX form differs in more than case. The hub's list:
 * huggingface.co/docs/hub/repositories-licenses; SPDX's: spdx.org/licenses.
 */
const spdx: Record<string, string> = {
  'afl-3.0': 'AFL-3.0',
  'agpl-3.0': 'AGPL-3.0-only',
  'apache-2.0': 'Apache-2.0',
  'artistic-2.0': 'Artistic-2.0',
  'bsd-2-clause': 'BSD-2-Clause',
  'bsd-3-clause': 'BSD-3-Clause',
  'bsd-3-clause-clear': 'BSD-3-Clause-Clear',
  'bsl-1.0': 'BSL-1.0',
  'cc-by-2.0': 'CC-BY-2.0',
  'cc-by-2.5': 'CC-BY-2.5',
  'cc-by-3.0': 'CC-BY-3.0',
  'cc-by-4.0': 'CC-BY-4.0',
  'cc-by-nc-2.0': 'CC-BY-NC-2.0',
  'cc-by-nc-3.0': 'CC-BY-NC-3.0',
  'cc-by-nc-4.0': 'CC-BY-NC-4.0',
  'cc-by-nc-nd-3.0': 'CC-BY-NC-ND-3.0',
  'cc-by-nc-nd-4.0': 'CC-BY-NC-ND-4.0',
  'cc-by-nc-sa-2.0': 'CC-BY-NC-SA-2.0',
  'cc-by-nc-sa-3.0': 'CC-BY-NC-SA-3.0',
  'cc-by-nc-sa-4.0': 'CC-BY-NC-SA-4.0',
  'cc-by-nd-4.0': 'CC-BY-ND-4.0',
  'cc-by-sa-3.0': 'CC-BY-SA-3.0',
  'cc-by-sa-4.0': 'CC-BY-SA-4.0',
  'cc0-1.0': 'CC0-1.0',
  'cdla-permissive-1.0': 'CDLA-Permissive-1.0',
  'cdla-permissive-2.0': 'CDLA-Permissive-2.0',
  'cdla-sharing-1.0': 'CDLA-Sharing-1.0',
  'ecl-2.0': 'ECL-2.0',
  'epl-1.0': 'EPL-1.0',
  'epl-2.0': 'EPL-2.0',
  'eupl-1.1': 'EUPL-1.1',
  'eupl-1.2': 'EUPL-1.2',
  gfdl: 'GFDL-1.3-only',
  'gpl-2.0': 'GPL-2.0-only',
  'gpl-3.0': 'GPL-3.0-only',
  isc: 'ISC',
  'lgpl-2.1': 'LGPL-2.1-only',
  'lgpl-3.0': 'LGPL-3.0-only',
  'lppl-1.3c': 'LPPL-1.3c',
  mit: 'MIT',
  'mpl-2.0': 'MPL-2.0',
  'ms-pl': 'MS-PL',
  ncsa: 'NCSA',
  odbl: 'ODbL-1.0',
  'odc-by': 'ODC-By-1.0',
  'ofl-1.1': 'OFL-1.1',
  'osl-3.0': 'OSL-3.0',
  pddl: 'PDDL-1.0',
  postgresql: 'PostgreSQL',
  unlicense: 'Unlicense',
  wtfpl: 'WTFPL',
  zlib: 'Zlib',
};

/**
 * The licence of a model card as an SPDX expression (SPDX 2.3 annex D), as image-spec annotations.md requires: one that
 * SPDX does not list becomes `LicenseRef-…`, several are joined with AND. Undefined when the card names none.
 */
export function spdxOf(card: Record<string, string>): string | undefined {
  const named = card.license === 'other' ? (card.license_name ?? 'other') : (card.license ?? '');
  const licences = named
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one.toLowerCase() !== 'unknown');
  const expressions = new Set(licences.map(expressionOf));
  return expressions.size === 0 ? undefined : [...expressions].join(' AND ');
}

function expressionOf(licence: string): string {
  const known = Object.hasOwn(spdx, licence.toLowerCase()) ? spdx[licence.toLowerCase()] : undefined;
  // An idstring holds letters, digits, `-` and `.` only.
  return known ?? `LicenseRef-${licence.replaceAll(/[^A-Za-z0-9.-]+/g, '-')}`;
}

/** Licences that the hub names by family only; every member of the family matches. */
const families: ReadonlySet<string> = new Set(['agpl', 'bsd', 'cc', 'gpl', 'lgpl']);

/**
 * The licence that a model card names, as from `spdxOf`, if the expression contradicts it, that is, if the two name
 * different licences. How they are joined, `-only` and `-or-later`, and exceptions (`WITH …`) are ignored: a card
 * cannot express them. Undefined if they agree or the card names no licence (none, `unknown`, `other` without a name).
 */
export function contradicted(expression: string, card: Record<string, string>): string | undefined {
  const named = spdxOf(card);
  if (named === undefined || named === 'LicenseRef-other') return undefined;
  const ours = idsOf(expression);
  const theirs = idsOf(named);
  const has = (some: string[], one: string) => some.some((other) => sameLicence(one, other));
  const agree = ours.every((one) => has(theirs, one)) && theirs.every((one) => has(ours, one));
  return agree ? undefined : named;
}

/** The licence ids of an expression, without the parts that a card cannot express. */
function idsOf(expression: string): string[] {
  return expression
    .replaceAll(/\bWITH\s+[^\s()]+/gi, '')
    .split(/[\s()]+/)
    .filter((word) => word !== '' && !/^(AND|OR)$/i.test(word))
    .map((id) => id.toLowerCase().replace(/(-only|-or-later|\+)$/, ''));
}

function sameLicence(one: string, other: string): boolean {
  if (one === other) return true;
  return [
    [one, other],
    [other, one],
  ].some(([id = '', family = '']) => {
    const name = family.replace(/^licenseref-/, '');
    return families.has(name) && id.startsWith(`${name}-`);
  });
}
