import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { argoSource } from './argo-source.ts';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'modelcars-argo-')));
  await mkdir(join(folder, 'clone/sub'), { recursive: true });
  execFileSync('git', ['-C', join(folder, 'clone'), 'init', '-q']);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The source of a folder in a clone of `remote`. */
async function sourceFor(remote: string, path = 'sub/deploy/base') {
  const git = (...args: string[]) => execFileSync('git', ['-C', join(folder, 'clone'), ...args]);
  git('config', 'remote.origin.url', remote);
  return await argoSource({ folder: join(folder, 'clone', path), namespace: 'models' });
}

describe('the repository of a base', () => {
  it.each([
    [
      'https://me:secret@github.com/me/iris-models.git',
      'https://github.com/me/iris-models.git',
      'iris-models',
    ],
    ['https://token@gitlab.example.com/a/B_C', 'https://gitlab.example.com/a/B_C', 'b-c'],
    ['git@github.com:me/models.git', 'git@github.com:me/models.git', 'models'],
    [
      'ssh://git@git.example.com:2222/me/models.git',
      'ssh://git@git.example.com:2222/me/models.git',
      'models',
    ],
  ])('%s is %s', async (remote, repo, name) => {
    const place = { path: 'sub/deploy/base', revision: 'HEAD', namespace: 'models' };
    expect(await sourceFor(remote)).toEqual({ name, repo, ...place });
  });

  it('has the folder at its root as well', async () => {
    expect(await sourceFor('git@github.com:me/models.git', '.')).toMatchObject({ path: '.' });
    expect(await sourceFor('git@github.com:me/models.git', 'deploy')).toMatchObject({ path: 'deploy' });
  });

  it.each(['/srv/git/models.git', '../models', 'file:///srv/git/models.git'])(
    '%s means nothing to Argo CD',
    async (remote) => {
      await expect(sourceFor(remote)).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining('no remote `origin`'),
        next: expect.stringContaining('--repo'),
      });
    },
  );
});

it('is what the options say, outside a repository too', async () => {
  const outside = {
    folder: join(folder, 'deploy'),
    namespace: 'models',
    repo: 'https://git.example.com/a/b/',
  };
  await expect(argoSource(outside)).rejects.toMatchObject({ next: expect.stringContaining('--path') });
  expect(await argoSource({ ...outside, path: 'overlays/prod', revision: 'v1' })).toEqual({
    name: 'b',
    repo: 'https://git.example.com/a/b/',
    path: 'overlays/prod',
    revision: 'v1',
    namespace: 'models',
  });
});
