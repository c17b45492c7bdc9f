import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attestedCatalog, publicUri } from './repository.ts';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'modelcars-repository-')));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false'];
const git = (...args: string[]) =>
  execFileSync('git', ['-C', folder, ...identity, ...args], { encoding: 'utf8' }).trim();
const inSub = { file: '', lockFile: '' };

beforeEach(async () => {
  await mkdir(join(folder, 'sub'));
  inSub.file = join(folder, 'sub/models.yaml');
  inSub.lockFile = join(folder, 'sub/models.lock.yaml');
  await writeFile(inSub.file, 'models: []\n');
});

describe('the catalog', () => {
  test('outside a repository is known by its name and digest alone', async () => {
    expect(await attestedCatalog(inSub)).toEqual({
      file: { path: 'models.yaml', sha256: hash('sha256', 'models: []\n') },
    });
  });

  test('in a repository is known by its path, the commit and the remote without its password', async () => {
    await writeFile(inSub.lockFile, 'lock\n');
    git('init', '-q');
    git('remote', 'add', 'origin', 'https://me:secret@github.com/me/models.git');
    git('add', '.');
    git('commit', '-q', '-m', 'a');
    const repository = {
      uri: 'git+https://github.com/me/models.git',
      commit: git('rev-parse', 'HEAD'),
      dirty: false,
    };
    const expected = {
      file: { path: 'sub/models.yaml', sha256: hash('sha256', 'models: []\n') },
      lock: { path: 'sub/models.lock.yaml', sha256: hash('sha256', 'lock\n') },
      repository,
    };
    expect(await attestedCatalog(inSub)).toEqual(expected);
    // Through a link, as macOS has for its temporary folder.
    await symlink(join(folder, 'sub'), `${folder}-link`);
    try {
      const linked = { file: `${folder}-link/models.yaml`, lockFile: `${folder}-link/models.lock.yaml` };
      expect(await attestedCatalog(linked)).toEqual(expected);
    } finally {
      await rm(`${folder}-link`);
    }
    // An untracked file that plays no part changes nothing, a changed one does.
    await writeFile(join(folder, 'notes.txt'), '');
    expect((await attestedCatalog(inSub)).repository?.dirty).toBe(false);
    await writeFile(inSub.lockFile, 'changed\n');
    expect((await attestedCatalog(inSub)).repository).toEqual({ ...repository, dirty: true });
  });

  test('that the commit lacks is an uncommitted change, also when git ignores it', async () => {
    git('init', '-q');
    await writeFile(join(folder, '.gitignore'), '*.yaml\n');
    git('add', '.gitignore');
    git('commit', '-q', '-m', 'a');
    expect((await attestedCatalog(inSub)).repository).toMatchObject({ dirty: true });
  });

  test('of a repository without a commit has none', async () => {
    git('init', '-q');
    expect(await attestedCatalog(inSub)).not.toHaveProperty('repository');
  });
});

test.each([
  ['https://github.com/me/models.git', 'git+https://github.com/me/models.git'],
  ['https://x-access-token:ghs_secret@github.com/me/models/', 'git+https://github.com/me/models'],
  ['https://github.com/me/models?token=secret', 'git+https://github.com/me/models'],
  ['git@github.com:me/models.git', 'git+ssh://github.com/me/models.git'],
  ['ssh://git@git.example.com:2222/me/models', 'git+ssh://git.example.com:2222/me/models'],
  ['/home/me/models', undefined],
  ['../models', undefined],
  ['file:///home/me/models', undefined],
  ['C:\\models', undefined],
  [undefined, undefined],
])('the remote %s is published as %s', (remote, uri) => {
  expect(publicUri(remote)).toBe(uri);
});
