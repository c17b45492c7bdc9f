import { purlOf } from '../purl.ts';
import { distroOf } from './apk.ts';
import { readHeader } from './rpm-header.ts';
import type { Distribution, Package } from './types.ts';

/** Most packages of an image; a full Fedora has 10,000. */
const mostPackages = 100_000;
/** Bytes of a package's header; the kernel's has some megabytes of file names. */
const mostHeader = 64 * 1024 ** 2;

/**
 * The packages in rpm's database in SQLite's format, rpmdb.sqlite of RHEL 9 and newer. Throws an Error with the reason
 * when it cannot be read. The file is hostile: only a real table is read, from memory.
 */
export async function parseRpmSqlite(
  bytes: Uint8Array,
  distribution: Distribution | undefined,
): Promise<Package[]> {
  const headers = await headersOf(bytes);
  return headers.flatMap((header) => {
    const { name, version, release, epoch, arch, license, sourcePackage } = readHeader(header);
    // The keys that rpm trusts, which are in the same table.
    if (name === 'gpg-pubkey') return [];
    const full = `${version}-${release}`;
    const qualifiers = {
      arch,
      distro: distroOf(distribution),
      epoch: epoch === undefined ? undefined : String(epoch),
      upstream: sourcePackage,
    };
    const namespace = distribution?.id === 'rhel' ? 'redhat' : distribution?.id;
    const purl = purlOf({ type: 'rpm', namespace, name, version: full, qualifiers });
    return [
      {
        name,
        version: epoch === undefined ? full : `${epoch}:${full}`,
        purl,
        ...(license !== undefined && { licence: license }),
      },
    ];
  });
}

async function headersOf(bytes: Uint8Array): Promise<Uint8Array[]> {
  const { DatabaseSync } = await import('node:sqlite');
  const copy = Uint8Array.from(bytes);
  // A database in WAL mode cannot be opened from memory; without a log beside it the file is complete
  // (sqlite.org/fileformat.html, bytes 18 and 19).
  copy.fill(1, 18, 20);
  using database = new DatabaseSync(':memory:', { allowExtension: false });
  database.deserialize(copy);
  database.exec('PRAGMA trusted_schema = OFF');
  const isTable = database
    .prepare(
      "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'Packages' AND sql NOT LIKE '%VIRTUAL%'",
    )
    .get();
  // A generated column, which could compute without an end, is not in table_info.
  const columns = database.prepare("SELECT name FROM pragma_table_info('Packages')").all();
  if (isTable === undefined || !columns.some(({ name }) => name === 'blob'))
    throw new Error('it has no table of packages');
  const headers: Uint8Array[] = [];
  const rows = database
    .prepare('SELECT CASE WHEN length(blob) <= ? THEN blob END AS blob FROM Packages ORDER BY hnum LIMIT ?')
    .all(mostHeader, mostPackages + 1);
  if (rows.length > mostPackages) throw new Error(`it has over ${mostPackages} packages`);
  for (const { blob } of rows) {
    if (!(blob instanceof Uint8Array)) throw new Error('a package has no valid header');
    headers.push(blob);
  }
  return headers;
}
