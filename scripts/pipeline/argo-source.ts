import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { nearName } from '../catalog/fields.ts';
import { ModelcarsError } from '../errors.ts';
import { git } from '../files/git.ts';
import type { ArgoSource } from '../kserve/manifests/gitops/argocd.ts';
import { displayPath } from '../text/paths.ts';

export interface ArgoOptions {
  /** The base's folder, which need not exist yet. */
  folder: string;
  namespace: string;
  /** In place of the URL of git's remote `origin`. */
  repo?: string;
  /** In place of the folder's path in its repository: an overlay. */
  path?: string;
  /** Branch, tag or commit; the default branch by default. */
  revision?: string;
}

/**
 * Where Argo CD finds a base: in the git repository that holds the folder. Fails with code `usage` when git cannot say
 * so, and neither `repo` nor `path` does.
 */
export async function argoSource(options: ArgoOptions): Promise<ArgoSource> {
  const { namespace, revision = 'HEAD' } = options;
  const folder = resolve(options.folder);
  const repo = options.repo ?? reachable(await git(existingParent(folder), ['remote', 'get-url', 'origin']));
  if (repo === undefined)
    throw new ModelcarsError(
      'usage',
      `write the Application: git names no remote \`origin\` of ${displayPath(folder)} that Argo CD can reach`,
      { next: 'pass the URL of the repository: --repo https://github.com/me/models.git' },
    );
  const path = options.path ?? (await pathInRepository(folder));
  if (path === undefined)
    throw new ModelcarsError(
      'usage',
      `write the Application: ${displayPath(folder)} is in no git repository`,
      {
        next: 'pass the path of the folder in the repository: --path deploy',
      },
    );
  const last = repo.replace(/\/+$/, '').split(/[/:]/).at(-1) ?? '';
  return { name: nearName(last.replace(/\.git$/, '')) || 'models', repo, path, revision, namespace };
}

/** A remote's URL without a password; undefined for a path on this machine. */
function reachable(remote: string | undefined): string | undefined {
  if (remote === undefined) return undefined;
  // `git@github.com:me/models.git`; a single letter would be a drive of Windows.
  if (/^(?:[^/@:]+@)?[^/@:]{2,}:(?!\/\/).+$/.test(remote)) return remote;
  if (!URL.canParse(remote)) return undefined;
  const url = new URL(remote);
  if (!['https:', 'http:', 'ssh:'].includes(url.protocol)) return undefined;
  url.password = '';
  // The user of ssh is part of the address; that of https is a token as often as a name.
  if (url.protocol !== 'ssh:') url.username = '';
  return url.href;
}

async function pathInRepository(folder: string): Promise<string | undefined> {
  const parent = existingParent(folder);
  const prefix = await git(parent, ['rev-parse', '--show-prefix']);
  if (prefix === undefined) return undefined;
  const path = (prefix + relative(parent, folder).replaceAll('\\', '/')).replace(/\/$/, '');
  return path === '' ? '.' : path;
}

/** The folder, otherwise its nearest parent that exists. */
function existingParent(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : existingParent(dirname(folder));
}
