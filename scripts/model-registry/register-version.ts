import { ModelcarsError } from '../errors.ts';
import { RequestFailure } from '../http/failure.ts';
import { plain } from '../text/format.ts';
import type { ModelRegistryApi } from './api.ts';
import type { ModelArtifact, ModelVersion, RegisteredModel, Registration } from './types.ts';

/** The custom property of a version that has the image's digest: it says which image an incomplete version is for. */
export const digestProperty = 'digest';

/** The objects of one version, as far as they exist. */
export interface Registered {
  model?: RegisteredModel;
  version?: ModelVersion;
  artifact?: ModelArtifact;
}

/** A model, a version, an artifact. */
const mostCreated = 3;

/**
 * Registers an image as the version of a model: the model, then the version with the image's digest, then the artifact
 * with its URI. The state is read again before every creation and at the end: a run that was killed, or that lost a race
 * for a name, goes on with what exists. Returns what exists then, and whether anything was created. With `dryRun`
 * nothing is. Fails with code `tag` when the version is of another image: a version never moves.
 */
export async function registerVersion(
  api: ModelRegistryApi,
  wanted: Registration,
  { dryRun }: { dryRun: boolean },
): Promise<Registered & { created: boolean }> {
  let created = 0;
  /** How much existed when a creation was lost to another run. */
  let lostAt: number | undefined;
  for (;;) {
    const found = await findRegistered(api, wanted);
    const existing = Object.keys(found).length;
    if (found.artifact !== undefined || dryRun) return { ...found, created: created > 0 };
    if (created >= mostCreated) throw lost(api, wanted);
    try {
      await createNext(api, wanted, found);
      created++;
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.status !== 409) throw error;
      if (existing === lostAt) throw contradiction(wanted, error);
      lostAt = existing;
    }
  }
}

/** Fails with code `tag` on a version of another image, and with code `registry` on one that cannot be completed. */
async function findRegistered(api: ModelRegistryApi, wanted: Registration): Promise<Registered> {
  const model = await api.findModel(wanted.model);
  if (model === undefined) return {};
  const version = await api.findVersion(model, wanted.version);
  if (version === undefined) {
    refuseArchived(wanted, model, `model ${wanted.model}`);
    return { model };
  }
  const artifacts = await api.artifacts(version);
  const artifact = artifacts.find(({ uri }) => digestOf(uri) === wanted.digest);
  if (artifact !== undefined) return { model, version, artifact };
  const [other] = artifacts;
  if (other !== undefined) throw moved(wanted, other.uri === '' ? 'an artifact without URI' : other.uri);
  const begun = version.properties[digestProperty];
  if (begun === undefined)
    throw refused(
      'registry',
      wanted,
      'this version exists without an artifact, and modelcars did not begin it',
    );
  if (begun !== wanted.digest) throw moved(wanted, begun);
  refuseArchived(wanted, model, `model ${wanted.model}`);
  refuseArchived(wanted, version, `version ${wanted.version}`);
  return { model, version };
}

async function createNext(
  api: ModelRegistryApi,
  wanted: Registration,
  { model, version }: Registered,
): Promise<void> {
  if (model === undefined) return await api.createModel(wanted);
  if (version !== undefined) return await api.createArtifact(version, wanted);
  const properties = { ...wanted.properties, [digestProperty]: wanted.digest };
  return await api.createVersion(model, { ...wanted, properties });
}

/** The digest at the end of an image's URI. */
function digestOf(uri: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(uri)?.[1];
}

function moved(wanted: Registration, other: string): ModelcarsError {
  const problem = `the model registry has ${plain(other, 300)} for this version, and a version never moves`;
  return refused('tag', wanted, problem);
}

function refused(code: 'tag' | 'registry', { model, version, uri }: Registration, problem: string) {
  return new ModelcarsError(code, `register ${uri} as ${model} ${version}: ${problem}`, {
    next: 'register it as another version',
  });
}

/** A new version of an archived model would be hidden. */
function refuseArchived(wanted: Registration, { state }: { state: string }, name: string): void {
  if (state !== 'ARCHIVED') return;
  throw new ModelcarsError('registry', `register ${wanted.uri}: ${name} is archived in the model registry`, {
    next: 'restore it there, then run the command again',
  });
}

/** A 201 is no proof. */
function lost({ host }: ModelRegistryApi, { uri, model, version }: Registration): ModelcarsError {
  return new ModelcarsError(
    'registry',
    `register ${uri} as ${model} ${version}: ${host} accepted it, and does not have it`,
    { next: 'look at the log of the model registry and its database, then run the command again' },
  );
}

function contradiction({ model, version }: Registration, cause: RequestFailure): ModelcarsError {
  return new ModelcarsError(
    'registry',
    `${cause.message}; yet it does not find what exists under that name`,
    { next: `look for a model or version like ${model} ${version}, with other capital letters`, cause },
  );
}
