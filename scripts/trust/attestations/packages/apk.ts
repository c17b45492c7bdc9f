import { purlOf } from '../purl.ts';
import type { Distribution, Package } from './types.ts';

/**
 * The packages in apk's database, lib/apk/db/installed: stanzas of lines `X:value`, ended by an empty line
 * (wiki.alpinelinux.org/wiki/Apk_spec).
 */
export function parseApk(text: string, distribution: Distribution | undefined): Package[] {
  return text.split(/\n{2,}/).flatMap((stanza) => {
    const fields = new Map(
      stanza
        .split('\n')
        .flatMap((line) => (line[1] === ':' ? [[line[0] ?? '', line.slice(2)] as const] : [])),
    );
    const [name, version] = [fields.get('P'), fields.get('V')];
    if (!name || !version) return [];
    const namespace = distribution?.id ?? 'alpine';
    const origin = fields.get('o');
    const qualifiers = {
      arch: fields.get('A'),
      distro: distroOf(distribution),
      upstream: origin === name ? undefined : origin,
    };
    const licence = fields.get('L');
    return [
      {
        name,
        version,
        purl: purlOf({ type: 'apk', namespace, name, version, qualifiers }),
        ...(licence && { licence }),
      },
    ];
  });
}

/** The purl qualifier `distro`: `rhel-10.0`. */
export function distroOf(distribution: Distribution | undefined): string | undefined {
  if (distribution === undefined) return undefined;
  const { id, version } = distribution;
  return version === undefined ? id : `${id}-${version}`;
}
