import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ModelcarsError } from '../../errors.ts';
import { git } from '../../files/git.ts';
import type { Catalog } from '../../model/types.ts';
import { displayPath } from '../../text/paths.ts';
import type { AttestedCatalog, AttestedFile, AttestedRepository } from './types.ts';

/**
 * The catalog and its lock as they are on disk, and the git repository that holds them. Outside a repository, without
 * git, and where git refuses (a repository of another user), they are named without one.
 */
export async function attestedCatalog({
  file,
  lockFile,
}: Pick<Catalog, 'file' | 'lockFile'>): Promise<AttestedCatalog> {
  const [catalog, lock] = [await read(file), await read(lockFile)];
  if (catalog === undefined) throw new ModelcarsError('catalog', `read ${displayPath(file)}: no such file`);
  const folder = dirname(file);
  const names = [basename(file), ...(lock === undefined ? [] : [basename(lockFile)])];
  const repository = await repositoryOf(folder, names);
  // The folder below the repository's root, with a final `/`; empty for the root itself.
  const prefix = repository === undefined ? '' : ((await git(folder, ['rev-parse', '--show-prefix'])) ?? '');
  const fileOf = (path: string, bytes: Uint8Array): AttestedFile => ({
    path: prefix + basename(path),
    sha256: hash('sha256', bytes),
  });
  return {
    file: fileOf(file, catalog),
    ...(lock !== undefined && { lock: fileOf(lockFile, lock) }),
    ...(repository !== undefined && { repository }),
  };
}

async function read(path: string): Promise<Uint8Array | undefined> {
  return await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function repositoryOf(
  folder: string,
  names: readonly string[],
): Promise<AttestedRepository | undefined> {
  const commit = await git(folder, ['rev-parse', '--verify', 'HEAD']);
  if (commit === undefined || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return undefined;
  const changes = await git(folder, ['status', '--porcelain', '--untracked-files=no']);
  // Fails when one of them is not tracked.
  const tracked = await git(folder, ['ls-files', '--error-unmatch', '--', ...names]);
  const uri = publicUri(await git(folder, ['remote', 'get-url', 'origin']));
  return {
    ...(uri !== undefined && { uri }),
    commit,
    dirty: changes !== '' || tracked === undefined,
  };
}

/**
 * The URI of a remote for publication, in the form of SPDX and SLSA: `git+https://host/path`. Without user and password;
 * undefined for a path on this machine, which means nothing elsewhere.
 */
export function publicUri(remote: string | undefined): string | undefined {
  if (remote === undefined) return undefined;
  // `git@github.com:me/models.git`; a single letter would be a drive of Windows.
  const scp = /^(?:[^/@:]+@)?([^/@:]{2,}):(?!\/\/)(.+)$/.exec(remote);
  const text = scp ? `ssh://${scp[1]}/${scp[2]?.replace(/^\/+/, '')}` : remote;
  if (!URL.canParse(text)) return undefined;
  const { protocol, host, pathname } = new URL(text);
  if (!/^(?:https?|ssh|git):$/.test(protocol) || host === '') return undefined;
  return `git+${protocol}//${host}${pathname.replace(/\/$/, '')}`;
}
