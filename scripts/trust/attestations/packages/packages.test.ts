import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parseOsRelease } from './os-release.ts';
import { isRecord, softwareOf } from './software.ts';

/**
 * Written by rpm 4.18 with `_db_backend sqlite`, of two packages that rpmbuild made: bash 2:5.2.26-6.el10 with the licence
 * GPL-3.0-or-later, and filesystem 3.18-6.el10, both noarch.
 */
const rpmDatabase = gunzipSync(
  readFileSync(new URL('../../../../tests/support/rpmdb.sqlite.gz', import.meta.url)),
);
const rhel = 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION_ID="10.0"\n';
const read = (records: Record<string, string | Uint8Array>) =>
  softwareOf(new Map(Object.entries(records).map(([path, bytes]) => [path, Buffer.from(bytes)])), new Map());

test('os-release is read with and without quotes', () => {
  const text = `ID=debian\nVERSION_ID="12"\nPRETTY_NAME='Debian "12"'\nHOME_URL=x`;
  expect(parseOsRelease(text)).toEqual({ id: 'debian', version: '12', name: 'Debian "12"' });
  expect(parseOsRelease('ID=arch\n')).toEqual({ id: 'arch' });
  expect(parseOsRelease('NAME=x\n')).toBeUndefined();
});

test.each([
  ['etc/os-release', true],
  ['usr/lib/sysimage/rpm/rpmdb.sqlite', true],
  ['var/lib/rpm/Packages', true],
  ['var/lib/dpkg/status.d/base-files', true],
  ['var/lib/dpkg/status.d/base-files.md5sums', false],
  ['var/lib/dpkg/info/base-files.list', false],
  ['home/rpmdb.sqlite', false],
])('%s is a record: %s', (path, expected) => {
  expect(isRecord(path)).toBe(expected);
});

test('packages of apk are read with their licence and origin', async () => {
  const installed = [
    'C:Q1abc=\nP:libcrypto3\nV:3.3.2-r0\nA:x86_64\nL:Apache-2.0\no:openssl\nF:usr/lib\nR:libcrypto.so.3\n',
    'P:musl\nV:1.2.5-r1\nA:x86_64\nL:MIT\no:musl\n',
    'F:stray\n',
  ].join('\n');
  const software = await read({
    'lib/apk/db/installed': installed,
    'etc/os-release': 'ID=alpine\nVERSION_ID=3.20.3\n',
  });
  expect(software).toMatchObject({ read: ['apk database'], unread: [] });
  expect(software.packages).toEqual([
    {
      name: 'libcrypto3',
      version: '3.3.2-r0',
      licence: 'Apache-2.0',
      purl: 'pkg:apk/alpine/libcrypto3@3.3.2-r0?arch=x86_64&distro=alpine-3.20.3&upstream=openssl',
    },
    {
      name: 'musl',
      version: '1.2.5-r1',
      licence: 'MIT',
      purl: 'pkg:apk/alpine/musl@1.2.5-r1?arch=x86_64&distro=alpine-3.20.3',
    },
  ]);
});

test('packages of dpkg are read from status and status.d, without removed ones', async () => {
  const status = [
    'Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.11-1)\nVersion: 3.0.11-1~deb12u2\nDescription: x\n Package: not-this\n',
    'Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n',
  ].join('\n');
  const { packages } = await read({
    'var/lib/dpkg/status': status,
    'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n',
    'usr/lib/os-release': 'ID=debian\nVERSION_ID="12"\n',
  });
  expect(packages.map(({ purl }) => purl)).toEqual([
    'pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-1',
    'pkg:deb/debian/tzdata@2024a-0+deb12u1?arch=all&distro=debian-12',
  ]);
});

describe('the rpm database', () => {
  const path = 'usr/lib/sysimage/rpm/rpmdb.sqlite';

  test('that rpm wrote is read', async () => {
    const software = await read({ [path]: rpmDatabase, 'etc/os-release': rhel });
    const rest = '?arch=noarch&distro=rhel-10.0';
    expect(software).toEqual({
      distribution: { id: 'rhel', version: '10.0' },
      packages: [
        {
          name: 'bash',
          version: '2:5.2.26-6.el10',
          licence: 'GPL-3.0-or-later',
          purl: `pkg:rpm/redhat/bash@5.2.26-6.el10${rest}&epoch=2&upstream=bash-5.2.26-6.el10.src.rpm`,
        },
        {
          name: 'filesystem',
          version: '3.18-6.el10',
          licence: 'Public Domain',
          purl: `pkg:rpm/redhat/filesystem@3.18-6.el10${rest}&upstream=filesystem-3.18-6.el10.src.rpm`,
        },
      ],
      read: ['rpm database'],
      unread: [],
    });
  });

  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(rpmDatabase);
    change(bytes);
    return bytes;
  };
  const written = (schema: string) => {
    using database = new DatabaseSync(':memory:');
    database.exec(schema);
    return database.serialize();
  };
  const endless =
    "CREATE VIEW Packages AS WITH RECURSIVE n(blob, hnum) AS (SELECT x'00', 1 UNION ALL SELECT blob, hnum + 1 FROM n) SELECT * FROM n";

  test.each([
    ['cut off', rpmDatabase.subarray(0, 20_000), /./],
    ['no database', Buffer.from('hello'), /./],
    ['empty', Buffer.alloc(0), /./],
    ['without packages', written('CREATE TABLE a (b)'), /no table of packages/],
    ['with a view in place of the table', written(endless), /no table of packages/],
    [
      'with a computed column',
      written('CREATE TABLE Packages (hnum INTEGER, blob BLOB AS (zeroblob(hnum)))'),
      /no table of packages/,
    ],
    [
      'with a package without a name',
      written(
        "CREATE TABLE Packages (hnum INTEGER, blob BLOB); INSERT INTO Packages VALUES (1, x'0000000000000000')",
      ),
      /no name/,
    ],
    [
      'with a cut header',
      written(
        "CREATE TABLE Packages (hnum INTEGER, blob BLOB); INSERT INTO Packages VALUES (1, x'ffffffff00000000')",
      ),
      /truncated/,
    ],
    ['with overwritten pages', changed((bytes) => bytes.fill(0xff, 4096)), /./],
  ])('%s is reported, and no package of it is stated', async (_, bytes, reason) => {
    const { packages, read: done, unread } = await read({ [path]: bytes });
    expect({ packages, done }).toEqual({ packages: [], done: [] });
    expect(unread).toEqual([expect.stringMatching(reason)]);
    expect(unread[0]).toMatch(/^\/usr\/lib\/sysimage\/rpm\/rpmdb\.sqlite: /);
  });

  test('has keys that rpm trusts, which are no packages', async () => {
    // An index of three strings (tags 1000 to 1002, type 6), and their data.
    const words = ['gpg-pubkey', '5a6340b3', '6229229e'];
    const data = Buffer.from(`${words.join('\0')}\0`);
    const entries = words.flatMap((_, at) => [
      1000 + at,
      6,
      words.slice(0, at).join(' ').length + (at && 1),
      1,
    ]);
    const numbers = Buffer.alloc((entries.length + 2) * 4);
    for (const [at, value] of [words.length, data.length, ...entries].entries())
      numbers.writeUInt32BE(value, at * 4);
    const header = Buffer.concat([numbers, data]).toString('hex');
    const database = `CREATE TABLE Packages (hnum INTEGER, blob BLOB); INSERT INTO Packages VALUES (1, x'${header}')`;
    const software = await read({ [path]: written(database) });
    expect(software).toMatchObject({ packages: [], read: ['rpm database'], unread: [] });
  });

  test('with a write-ahead log is incomplete, so it is not read', async () => {
    const { packages, unread } = await read({ [path]: rpmDatabase, [`${path}-wal`]: 'x' });
    expect({ packages, unread }).toEqual({
      packages: [],
      unread: [`/${path}: part of it is in a write-ahead log`],
    });
    expect((await read({ [path]: rpmDatabase, [`${path}-wal`]: '' })).packages).toHaveLength(2);
  });

  test('in the formats that only rpm reads is reported', async () => {
    const { unread } = await read({ 'var/lib/rpm/Packages': 'x', 'usr/lib/sysimage/rpm/Packages.db': 'x' });
    expect(unread).toEqual([
      '/var/lib/rpm/Packages: a database that only rpm reads',
      '/usr/lib/sysimage/rpm/Packages.db: a database that only rpm reads',
    ]);
  });
});
