import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import { openEcr } from './api.ts';
import { credentialsFailure, ecrFailure } from './failure.ts';
import { ecrPublic, ecrRegistry } from './host.ts';

/**
 * Creates the repository in Amazon ECR unless it exists, with Amazon's default settings. Returns whether it was missing;
 * with `dryRun` it is only looked for. Does nothing for other registries: most create a repository on push. Two callers
 * can do it at the same time. The error names the missing right: `CreateRepository`, or `DescribeRepositories` with
 * `dryRun`.
 */
export async function createRepository(
  { registry, repository }: { registry: string; repository: string },
  { dryRun, signal }: { dryRun: boolean; signal?: AbortSignal },
): Promise<boolean> {
  const ecr = ecrRegistry(registry);
  if (ecr === undefined) return false;
  const name = registry === ecrPublic ? repository.slice(repository.indexOf('/') + 1) : repository;
  const address = `${registry}/${repository}`;
  const [verb, operation] = dryRun ? ['find', 'DescribeRepositories'] : ['create', 'CreateRepository'];
  const what = `${verb} repository ${address}`;
  const api = await openEcr(ecr);
  await api.accessKey().catch((error: unknown) => {
    throw credentialsFailure(what, error);
  });
  try {
    if (dryRun) {
      await api.describe(name, signal);
      return false;
    }
    const uri = await api.create(name, signal);
    // An account has its own alias in ECR Public; it cannot create a repository under another.
    if (uri !== undefined && ecr.account === undefined && uri !== address)
      throw new ModelcarsError('registry', `${what}: AWS created ${plain(uri)}`, {
        next: 'correct the alias in the registry, or use the credentials of the account that owns it',
      });
    return true;
  } catch (error) {
    const { name: kind } = error as Error;
    if (kind === 'RepositoryAlreadyExistsException') return false;
    if (kind === 'RepositoryNotFoundException' && dryRun) return true;
    throw await ecrFailure(what, error, api, operation, signal);
  }
}
