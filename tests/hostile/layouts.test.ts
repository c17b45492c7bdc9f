import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeHeader } from '../../scripts/image/tar.ts';
import { makeCatalog, modelcars, tryModelcars } from '../parts/cli.ts';

/** Layouts and archives that are foreign, truncated or contain odd entries. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layouts-'));
  await makeCatalog(folder, [
    {
      name: 'iris',
      framework: 'sklearn',
      files: { 'model.joblib': 'x'.repeat(5000) },
      more: { base: 'embedded' },
    },
  ]);
  await modelcars(['build', '--output', 'good'], { cwd: folder });
  await modelcars(['build', '--output', 'good.tar'], { cwd: folder });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const commands = {
  verify: (output: string) => ['verify', '--layout', output],
  inspect: (output: string) => ['inspect', 'iris:v1.0.0', '--layout', output],
};

/** Asserts that the command ends soon, with exit code 1 and a plain message; returns its stderr. */
async function refuse(command: keyof typeof commands, output: string): Promise<string> {
  const { code, stderr } = await tryModelcars(commands[command](output), { cwd: folder, timeout: 60_000 });
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(/^error: /m);
  expect(stderr).not.toMatch(/\bbug\b|RangeError|TypeError|\bERR_|\bat .*\.ts:/);
  return stderr;
}

/** One tar member; `claimed` replaces its size field. */
function member(path: string, content: string, claimed?: Buffer): Buffer {
  const size = Buffer.byteLength(content);
  const header = Buffer.from(
    encodeHeader({ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, size }),
  );
  claimed?.copy(header, 124);
  header.write(' '.repeat(8), 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, Buffer.from(content), Buffer.alloc((512 - (size % 512)) % 512)]);
}
const end = Buffer.alloc(1024);

/** Makes a file of zeros, which takes no space on disk. */
async function writeSparse(path: string, size: number): Promise<void> {
  await writeFile(path, '');
  await truncate(path, size);
}

describe('an archive', () => {
  test.each<[string, (good: Buffer) => Buffer, RegExp]>([
    [
      'that was cut off in a member',
      (good) => good.subarray(0, 20_000),
      /cut off or damaged \(the member at byte 0/,
    ],
    [
      'that was cut off in a header',
      (good) => good.subarray(0, 100),
      /cut off \(it ends in the header at byte 0\)/,
    ],
    ['of nothing', () => Buffer.alloc(0), /not an OCI image layout \(no index\.json\)/],
    ['of junk', () => Buffer.from('junk '.repeat(500)), /not a tar, or a damaged one/],
    [
      'with a size of octal junk',
      () => member('index.json', '{}', Buffer.from('0000000009z\0')),
      /no size in the header/,
    ],
    [
      'with a negative size',
      () => member('index.json', '{}', Buffer.alloc(12, 0xff)),
      /no size in the header/,
    ],
    [
      'with a size of 8 EiB',
      () => member('index.json', '{}', Buffer.from([0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0])),
      /no size in the header/,
    ],
    [
      'with a size beyond its end',
      () => member('index.json', '{}', Buffer.from('00077777777\0')),
      /16777215 bytes, 512 are left/,
    ],
    [
      'whose index is no JSON',
      () => Buffer.concat([member('index.json', '{'), end]),
      /index\.json: it is not JSON/,
    ],
    [
      'whose index has 5 MB',
      () => Buffer.concat([member('index.json', ' '.repeat(5_000_000)), end]),
      /index\.json has 5000000 bytes/,
    ],
  ])('%s is refused with a plain message', async (name, make, message) => {
    const file = `${name.replaceAll(' ', '-')}.tar`;
    await writeFile(join(folder, file), make(await readFile(join(folder, 'good.tar'))));
    expect(await refuse('inspect', file)).toMatch(message);
  });

  test('with a hole of 8 EiB is refused without reading it', async () => {
    const file = join(folder, 'hole.tar');
    await writeFile(file, Buffer.concat([member('index.json', ''), end]));
    // As large as the file system allows, but sparse: it takes no disk space.
    await truncate(file, 8 * 1024 ** 4);
    expect(await refuse('verify', 'hole.tar')).toMatch(/index\.json: it is not JSON/);
  });

  test('that is not a regular file is not opened', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe.tar')]);
    for (const path of ['pipe.tar', '/dev/zero'])
      expect(await refuse('verify', path)).toMatch(/neither a folder nor a regular file/);
  });
});

/** A changed copy of the good layout. */
async function changed(
  name: string,
  change: (path: (name: string) => string) => Promise<void>,
): Promise<string> {
  await cp(join(folder, 'good'), join(folder, name), { recursive: true });
  await change((part) => join(folder, name, part));
  return name;
}

/** Replaces a file. */
async function swap(path: string, make: (path: string) => unknown): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await make(path);
}

interface Entry {
  digest: string;
  size: number;
}
const blobOf = ({ digest }: Entry) => `blobs/sha256/${digest.slice(7)}`;
const rootOf = async (path: string): Promise<Entry> =>
  JSON.parse(await readFile(join(path, 'index.json'), 'utf8')).manifests[0];

const pipe = (path: string) => execFileSync('mkfifo', [path]);
const socket = async (path: string) => {
  // Short, because a socket's path can have at most 107 bytes.
  const short = join(await mkdtemp(join(tmpdir(), 's-')), 's');
  const server = createServer().listen(short);
  await new Promise((done) => server.once('listening', done));
  execFileSync('cp', ['-a', short, path]);
  server.close();
};

describe('a folder', () => {
  test.each<[string, (path: string) => unknown, RegExp]>([
    ['a named pipe', pipe, /index\.json is not a regular file/],
    ['a folder', (path) => mkdir(path), /index\.json is not a regular file/],
    [
      'a link to an endless device',
      (path) => symlink('/dev/zero', path),
      /index\.json is not a regular file/,
    ],
    ['a link to itself', (path) => symlink(path, path), /index\.json is a broken symbolic link/],
    ['1 GB of nothing', (path) => writeSparse(path, 1e9), /index\.json has more than 4194304 bytes/],
    ['a list', (path) => writeFile(path, '[]'), /index\.json: it is not of the type object/],
    ['null', (path) => writeFile(path, 'null'), /index\.json: it is not of the type object/],
    [
      'a version of its own',
      (path) => writeFile(path, '{"schemaVersion":"2","manifests":[]}'),
      /index\.json: schemaVersion is not 2/,
    ],
    [
      'manifests that are a map',
      (path) => writeFile(path, '{"schemaVersion":2,"manifests":{}}'),
      /index\.json: manifests is not of the type array/,
    ],
    [
      'a digest that leads out',
      (path) =>
        writeFile(
          path,
          JSON.stringify({
            schemaVersion: 2,
            manifests: [{ mediaType: 'x', digest: 'sha256:../../../../etc/passwd', size: 1 }],
          }),
        ),
      /manifests\.0\.digest is not sha256: and 64 hexadecimal digits/,
    ],
    [
      'a size below nothing',
      (path) =>
        writeFile(
          path,
          JSON.stringify({
            schemaVersion: 2,
            manifests: [{ mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: -1 }],
          }),
        ),
      /manifests\.0\.size is below 0/,
    ],
    [
      'lists in lists, 100,000 deep',
      (path) => writeFile(path, `{"schemaVersion":2,"manifests":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
      /index\.json: manifests\.0 is not of the type object/,
    ],
  ])('whose index.json is %s is refused with a plain message', async (name, make, message) => {
    const layout = await changed(`index ${name.replaceAll('/', '')}`, (path) =>
      swap(path('index.json'), make),
    );
    expect(await refuse('inspect', layout)).toMatch(message);
  });

  test.each<[string, (path: string) => unknown, RegExp]>([
    ['a named pipe', pipe, /blob sha256:\w+ is not a regular file/],
    ['a socket', socket, /blob sha256:\w+ is not a regular file/],
    ['a folder', (path) => mkdir(path), /blob sha256:\w+ is not a regular file/],
    ['a link to a device', (path) => symlink('/dev/zero', path), /blob sha256:\w+ is not a regular file/],
    ['a link to itself', (path) => symlink(path, path), /blob sha256:\w+ is a broken symbolic link/],
    ['a link to another file', (path) => symlink('/etc/passwd', path), /has digest|has not the|bytes/],
    ['missing', () => undefined, /blob sha256:\w+ is missing/],
    ['1 TB of nothing', (path) => writeSparse(path, 1e12), /its size is not the \d+ bytes/],
  ])('whose index blob is %s is refused with a plain message', async (name, make, message) => {
    const layout = await changed(`blob ${name}`, async (path) =>
      swap(path(blobOf(await rootOf(path('.')))), make),
    );
    expect(await refuse('verify', layout)).toMatch(message);
  });

  test('whose blobs are links to the right bytes is accepted', async () => {
    const layout = await changed('linked', async (path) => {
      const blob = path(blobOf(await rootOf(path('.'))));
      await cp(blob, path('../stored'));
      await swap(blob, (it) => symlink(path('../stored'), it));
    });
    await modelcars(['verify', '--layout', layout], { cwd: folder });
  });

  test('with an index of 10,000 platforms is refused quickly', async () => {
    const layout = await changed('many', async (path) => {
      const { manifests } = JSON.parse(await readFile(path(blobOf(await rootOf(path('.')))), 'utf8'));
      const bytes = JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: Array(10_000).fill(manifests[0]),
      });
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      const index = JSON.parse(await readFile(path('index.json'), 'utf8'));
      Object.assign(index.manifests[0], { digest, size: bytes.length });
      await writeFile(path(blobOf({ digest, size: 0 })), bytes);
      await writeFile(path('index.json'), JSON.stringify(index));
    });
    expect(await refuse('verify', layout)).toMatch(/is malformed: manifests is beyond 32/);
    expect(await refuse('inspect', layout)).toMatch(/lists 10000 manifests, at most 64 are read/);
  });

  test('with a folder and a dangling link among its blobs is accepted as a build output', async () => {
    const layout = await changed('odd', async (path) => {
      await mkdir(path('blobs/sha256/folder'));
      await symlink('nowhere', path('blobs/sha256/dead'));
    });
    await modelcars(['build', '--output', layout], { cwd: folder });
    await modelcars(['verify', '--layout', layout], { cwd: folder });
  });

  test('whose index.json is a pipe is refused as a build output', async () => {
    const layout = await changed('piped', (path) => swap(path('index.json'), pipe));
    const { code, stderr } = await tryModelcars(['build', '--output', layout], {
      cwd: folder,
      timeout: 60_000,
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/index\.json is not a regular file/);
  });
});
