import { type ArgValues, flag, groups, text, usage } from './option.ts';

const group = groups.show;

/** Argo CD's Application of a base, under the names of Argo CD's own command line. */
export const argo = {
  argocd: flag('argocd', {
    describe: 'with --output: print the Argo CD Application that applies that folder from git',
    group,
  }),
  repo: text('repo', {
    describe: "with --argocd: URL of the git repository (default that of git's remote origin)",
    group,
  }),
  path: text('path', {
    describe: 'with --argocd: folder in the repository, such as an overlay (default that of --output)',
    group,
  }),
  revision: text('revision', {
    describe: 'with --argocd: branch, tag or commit (default HEAD, the default branch)',
    group,
  }),
};

/** Where the Application finds what; undefined without --argocd. Fails with code `usage` when options are missing. */
export function readArgo(
  { argocd, repo, path, revision }: ArgValues<typeof argo>,
  { output, namespace }: { output: string | undefined; namespace: string | undefined },
): { folder: string; namespace: string; repo?: string; path?: string; revision?: string } | undefined {
  const given = Object.entries({ repo, path, revision }).filter(([, value]) => value !== undefined);
  if (!argocd) {
    if (given[0] === undefined) return undefined;
    throw usage(`--${given[0][0]} needs --argocd`);
  }
  if (output === undefined)
    throw usage('--argocd needs --output: the folder that Argo CD applies', 'for example --output deploy');
  if (namespace === undefined)
    throw usage('--argocd needs --namespace: where the models are served', 'for example --namespace models');
  return { folder: output, namespace, ...Object.fromEntries(given) };
}
