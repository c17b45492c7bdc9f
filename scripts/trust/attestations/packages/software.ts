import { compareBytes } from '../../../text/paths.ts';
import { parseApk } from './apk.ts';
import { parseDpkg } from './dpkg.ts';
import { type GoBuild, goPackages } from './go.ts';
import { parseOsRelease } from './os-release.ts';
import { parseRpmSqlite } from './rpm.ts';
import type { Distribution, Package, Records, Software } from './types.ts';

/** Names of rpm's database, by format; its folder has moved several times. */
const rpm = {
  sqlite: /(^|\/)rpm\/rpmdb\.sqlite$/,
  log: /(^|\/)rpm\/rpmdb\.sqlite-wal$/,
  /** Berkeley DB (RHEL 8 and older) and ndb (SUSE): formats of rpm's own library only. */
  other: /(^|\/)rpm\/Packages(\.db)?$/,
};
const apk = /^(usr\/)?lib\/apk\/db\/installed$/;
const dpkg = /^var\/lib\/dpkg\/(status|status\.d\/[^/]+)$/;
/** usr/lib/ is the file and etc/ a link to it, or the reverse. */
const osRelease = ['etc/os-release', 'usr/lib/os-release'];

/** Whether a file of a base image, by its path without a leading `/`, says which packages it has. */
export function isRecord(path: string): boolean {
  if (path.endsWith('.md5sums')) return false;
  return osRelease.includes(path) || [apk, dpkg, ...Object.values(rpm)].some((name) => name.test(path));
}

/** The packages of a base image, from its records and the Go programs in it (path → what the linker wrote). */
export async function softwareOf(
  records: Records,
  programs: ReadonlyMap<string, GoBuild>,
): Promise<Software> {
  const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('utf8');
  const release = osRelease.map((path) => records.get(path)).find((bytes) => bytes !== undefined);
  const distribution = release && parseOsRelease(textOf(release));
  const packages: Package[] = [];
  const read: string[] = [];
  const unread: string[] = [];
  const texts = [
    { name: apk, record: 'apk database', parse: parseApk },
    { name: dpkg, record: 'dpkg status', parse: parseDpkg },
  ];
  for (const { name, record, parse } of texts) {
    const found = [...records].filter(([path]) => name.test(path));
    if (found.length === 0) continue;
    read.push(record);
    packages.push(...found.flatMap(([, bytes]) => parse(textOf(bytes), distribution)));
  }
  await readRpm(records, distribution, { packages, read, unread });
  if (programs.size > 0) read.push('build information of Go programs');
  for (const build of programs.values()) packages.push(...goPackages(build));
  const unique = new Map(packages.map((one) => [one.purl, one]));
  return {
    ...(distribution && { distribution }),
    packages: [...unique.values()].toSorted((a, b) => compareBytes(a.purl, b.purl)),
    read,
    unread,
  };
}

async function readRpm(
  records: Records,
  distribution: Distribution | undefined,
  to: Pick<Software, 'packages' | 'read' | 'unread'>,
): Promise<void> {
  const log = [...records].find(([path, bytes]) => rpm.log.test(path) && bytes.length > 0);
  for (const [path, bytes] of records) {
    if (rpm.other.test(path)) to.unread.push(`/${path}: a database that only rpm reads`);
    if (!rpm.sqlite.test(path)) continue;
    try {
      if (log !== undefined) throw new Error('part of it is in a write-ahead log');
      to.packages.push(...(await parseRpmSqlite(bytes, distribution)));
      to.read.push('rpm database');
    } catch (error) {
      to.unread.push(`/${path}: ${error instanceof Error ? error.message : 'it is damaged'}`);
    }
  }
}
