import { purlOf } from '../purl.ts';
import { distroOf } from './apk.ts';
import type { Distribution, Package } from './types.ts';

/**
 * The installed packages in dpkg's status file, var/lib/dpkg/status (deb-control(5)); distroless images have one file
 * per package in status.d, without a Status field. Licences are not in it.
 */
export function parseDpkg(text: string, distribution: Distribution | undefined): Package[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'mi').exec(paragraph)?.[1]?.trim();
    const [name, version, status] = [field('Package'), field('Version'), field('Status')];
    if (!name || !version || (status !== undefined && !/ installed$/.test(status))) return [];
    const qualifiers = {
      arch: field('Architecture'),
      distro: distroOf(distribution),
      // `openssl (3.0.11-1)`: the version is stated where it differs.
      upstream: field('Source')?.replace(/\s*\((.*)\)$/, '@$1'),
    };
    const namespace = distribution?.id ?? 'debian';
    return [{ name, version, purl: purlOf({ type: 'deb', namespace, name, version, qualifiers }) }];
  });
}
