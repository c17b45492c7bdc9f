import { execFileSync } from 'node:child_process';
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { launchModelcars, modelcars, tryModelcars } from '../parts/cli.ts';

/** Sources that contain more, or less, than a folder of unchanging regular files. */
let folder: string;
const source = (name = '') => join(folder, 'files', name);
beforeEach(async () => {
  // Short, because a socket's path can have at most 107 bytes.
  folder = await mkdtemp(join(tmpdir(), 'sp-'));
  await mkdir(source());
  await writeFile(source('model.joblib'), 'x'.repeat(5000));
  const model = {
    name: 'iris',
    framework: 'sklearn',
    source: 'file:files',
    include: ['**'],
    base: 'embedded',
  };
  await writeFile(join(folder, 'models.yaml'), stringify({ models: [{ ...model, version: 'v1.0.0' }] }));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Asserts that `lock` ends soon, with exit code 1, one plain error, and no lock. */
async function refuse(words = ['lock']): Promise<string> {
  const { code, stderr } = await tryModelcars(words, { cwd: folder, timeout: 60_000 });
  expect(code, stderr).toBe(1);
  expect(stderr.match(/^error: /gm)).toHaveLength(1);
  expect(stderr).not.toMatch(/\bbug\b|RangeError|TypeError|\bE[A-Z]{3,}\b|\bat .*\.ts:/);
  // No file name can control the terminal.
  for (const character of ['\u001b', '\u202e']) expect(stderr).not.toContain(character);
  expect(await readdir(folder)).not.toContain('models.lock.yaml');
  return stderr;
}

const listen = async (path: string) => {
  const server = createServer().listen(path);
  await new Promise((done) => server.once('listening', done));
  server.unref();
};

describe('a special file, or one with an invalid name', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['a named pipe', () => execFileSync('mkfifo', [source('a.bin')]), /a\.bin is a pipe, socket or device/],
    ['a socket', () => listen(source('a.bin')), /a\.bin is a pipe, socket or device/],
    [
      'a link to a device',
      () => symlink('/dev/zero', source('a.bin')),
      /a\.bin is a symbolic link out of the source, to \/dev\/zero/,
    ],
    ['a link to itself', () => symlink('a.bin', source('a.bin')), /a\.bin is a symbolic link to nothing/],
    [
      'a link to the folder that holds it',
      () => symlink('.', source('a.bin')),
      /a\.bin is a symbolic link to a folder that contains it/,
    ],
    [
      'a name that is not UTF-8',
      () => writeFile(Buffer.concat([Buffer.from(source('a')), Buffer.from([0xff, 0xfe])]), ''),
      /is not UTF-8/,
    ],
    [
      'a newline in its name',
      () => writeFile(source('a\nb.bin'), ''),
      /the path a\\u\{a\}b\.bin holds a control character/,
    ],
    [
      'an escape sequence in its name',
      () => writeFile(source('a\u001b[2Jb.bin'), ''),
      /the path a\\u\{1b\}\[2Jb\.bin holds a control character/,
    ],
    [
      'a mark that turns its name around',
      () => writeFile(source('a\u202eb.bin'), ''),
      /the path a\\u\{202e\}b\.bin holds a direction mark/,
    ],
    ['a backslash in its name', () => writeFile(source('..\\b.bin'), ''), /holds a backslash/],
  ])('%s is refused with its name', async (_, make, message) => {
    await make();
    expect(await refuse()).toMatch(message);
  });

  test('a pipe, a device or a missing folder as the source itself is refused', async () => {
    const locks: [string, RegExp][] = [
      ['pipe', /neither a file nor a folder/],
      ['/dev/zero', /neither a file nor a folder/],
      ['nowhere', /no such file or folder/],
    ];
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    for (const [path, message] of locks) {
      const uri = path.startsWith('/') ? `file://${path}` : `file:${path}`;
      const models = [{ name: 'iris', framework: 'sklearn', source: uri, base: 'embedded' }];
      await writeFile(join(folder, 'models.yaml'), stringify({ models }));
      expect(await refuse()).toMatch(message);
    }
  });
});

test('a folder of more files than a model can have is refused in little memory', async () => {
  await mkdir(source('many'));
  const made =
    'import os,sys\nfor i in range(110000): os.close(os.open("%s/%d" % (sys.argv[1], i), os.O_CREAT))';
  execFileSync('python3', ['-c', made, source('many')]);
  expect(await refuse()).toMatch(/it has more than 100000 entries/);
});

test('a sparse file is read like any other', async () => {
  await truncate(source('model.joblib'), 100e6);
  await modelcars(['lock'], { cwd: folder });
  await modelcars(['build'], { cwd: folder });
  await modelcars(['verify'], { cwd: folder });
});

describe('a file that changes while it is read', () => {
  /** Runs a command while an action repeats. */
  async function meanwhile(
    words: string[],
    act: () => Promise<unknown>,
  ): Promise<{ code: number | null; stderr: string }> {
    const child = launchModelcars(words, { cwd: folder, timeout: 60_000 });
    child.stdout?.resume();
    let stderr = '';
    child.stderr?.on('data', (text) => {
      stderr += text;
    });
    let ended = false;
    const end = new Promise<number | null>((done) =>
      child.once('close', (code) => {
        ended = true;
        done(code);
      }),
    );
    while (!ended) {
      await act();
      await new Promise((done) => setTimeout(done, 2));
    }
    return { code: await end, stderr };
  }

  test('and grows as fast as it is read is refused', async () => {
    await truncate(source('model.joblib'), 200e6);
    const more = Buffer.alloc(8 << 20);
    const { code, stderr } = await meanwhile(['lock'], () => appendFile(source('model.joblib'), more));
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(/^error: iris: read file:files: model\.joblib changed while it was read$/m);
  });

  test('and shrinks is refused', async () => {
    let size = 200e6;
    await truncate(source('model.joblib'), size);
    const { code, stderr } = await meanwhile(['lock'], async () => {
      size -= 1000;
      await truncate(source('model.joblib'), size);
    });
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(/model\.joblib changed while it was read/);
  });

  test('and shrinks after `lock` is not built', async () => {
    await truncate(source('model.joblib'), 50e6);
    await modelcars(['lock'], { cwd: folder });
    const handle = await open(source('model.joblib'), 'r+');
    await handle.truncate(40e6);
    await handle.close();
    const { code, stderr } = await tryModelcars(['build'], { cwd: folder, timeout: 60_000 });
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(/it has 40000000 bytes, the lock has 50000000/);
  });

  test('and whose folder becomes a link gives no file from outside', async () => {
    await mkdir(join(folder, 'outside'));
    await writeFile(join(folder, 'outside', 'key.bin'), 'SECRET'.repeat(1000));
    await mkdir(source('sub'));
    await writeFile(source('sub/key.bin'), 'public'.repeat(1000));
    await symlink(join(folder, 'outside'), join(folder, 'link'));
    const secret = execFileSync('sha256sum', [join(folder, 'outside', 'key.bin')], {
      encoding: 'utf8',
    }).slice(0, 64);
    const swap = async () => {
      await rename(source('sub'), join(folder, 'aside'));
      await rename(join(folder, 'link'), source('sub'));
      await rename(source('sub'), join(folder, 'link'));
      await rename(join(folder, 'aside'), source('sub'));
    };
    for (let round = 0; round < 3; round++) {
      const { code, stderr } = await meanwhile(['lock', '--upgrade'], swap);
      expect([0, 1]).toContain(code);
      expect(stderr).not.toMatch(/\bbug\b/);
      const locked = await readdir(folder).then((names) => names.includes('models.lock.yaml'));
      if (locked)
        expect(execFileSync('cat', [join(folder, 'models.lock.yaml')], { encoding: 'utf8' })).not.toContain(
          secret,
        );
    }
  });
});
