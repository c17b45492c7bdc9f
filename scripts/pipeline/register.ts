import { loadFrameworks } from '../catalog/frameworks.ts';
import { ModelcarsError } from '../errors.ts';
import { Transport } from '../http/transport.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Framework, Model } from '../model/types.ts';
import { apiRoots } from '../model-registry/address.ts';
import { ModelRegistryApi } from '../model-registry/api.ts';
import { registerVersion } from '../model-registry/register-version.ts';
import { readToken } from '../model-registry/token.ts';
import type { Registration } from '../model-registry/types.ts';
import { RegistryClient } from '../registry/client.ts';
import type { Repository } from '../registry/repository.ts';
import type { Task } from '../terminal/types.ts';
import { verifyImage } from '../verify/verify.ts';
import { SignatureCheck } from './check-signatures.ts';
import { forEachModel } from './for-each-model.ts';
import { type ImageFacts, readImageFacts } from './image-facts.ts';
import { registryOf, repositoryName } from './image-names.ts';
import { frameworkOf } from './lock-resolver.ts';
import type { Outcome, RunOptions } from './types.ts';

export interface RegisterOptions extends RunOptions {
  /** URL of the model registry. */
  modelRegistry: string;
  /** File with its token; see `readToken`. */
  tokenFile?: string;
}

interface Run {
  options: RegisterOptions;
  client: RegistryClient;
  api: ModelRegistryApi;
  frameworks: ReadonlyMap<string, Framework>;
  signatures: SignatureCheck | undefined;
}

/**
 * Registers the pushed images of models as versions in a Kubeflow Model Registry. Each image is read from its registry
 * by digest and checked against the image contract first, without its layers; what is registered of it comes from its
 * annotations, since the catalog and the lock can have moved on. Needs neither a lock nor model files. Fails with code
 * `usage` for a model without registry or version.
 */
export async function registerModels(options: RegisterOptions): Promise<Outcome[]> {
  const models = options.models.filter(isModel);
  if (models.length === 0)
    throw new ModelcarsError('usage', 'register: a model registry lists models, and this is a loader', {
      next: 'name a model',
    });
  for (const model of models) {
    repositoryName(model);
    versionOf(model);
  }
  const { registry, catalog, signal, progress } = options;
  const onRetry = (message: string) => progress.warn(message);
  const roots = apiRoots(options.modelRegistry);
  const token = await readToken(options.tokenFile, process.env);
  const frameworks = await loadFrameworks(
    catalog.directory,
    new Set(models.map(({ framework }) => framework)),
  );
  const trust = options.signedBy ?? catalog.trust;
  const signatures = trust && (await SignatureCheck.open(trust, signal));
  const { caFile } = registry;
  const transport = new Transport({ env: process.env, ...(caFile !== undefined && { caFile }) });
  try {
    const own = models.map(registryOf);
    await using client = new RegistryClient({ ...registry, own, signal, onRetry });
    const api = new ModelRegistryApi({ roots, token, transport, signal, onRetry });
    const run: Run = { options, client, api, frameworks, signatures };
    return await forEachModel({ ...options, models, verb: 'register' }, (model, task) =>
      registerModel(run, model, task),
    );
  } finally {
    await transport.close();
  }
}

async function registerModel(run: Run, model: Model, task: Task): Promise<Outcome> {
  const { client, api, options } = run;
  const repository = client.repository(repositoryName(model));
  const version = versionOf(model);
  const root = await repository.resolve(version);
  if (root === undefined)
    throw new ModelcarsError(
      'registry',
      `find ${repository.name}:${version}: the registry has no such image`,
      {
        next: 'push it first: `modelcars push`',
      },
    );
  const { digest } = root;
  task.note('reading the image');
  const facts = await readImageFacts(repository, root, model);
  await verifyImage(repository, digest, { layers: false, signal: options.signal });
  const wanted: Registration = {
    model: model.name,
    ...(model.description !== undefined && { description: model.description }),
    version,
    digest,
    uri: `oci://${repository.name}@${digest}`,
    ...formatOf(model, frameworkOf(run.frameworks, model)),
    properties: { ...facts.properties, ...(await signatureOf(run, repository, facts)) },
  };
  const { dryRun } = options;
  task.note('registering');
  const { created, artifact, ...found } = await registerVersion(api, wanted, { dryRun });
  const { size, platforms } = facts;
  return {
    model: model.name,
    status: created ? 'done' : artifact === undefined ? 'planned' : 'unchanged',
    name: repository.name,
    digest,
    size,
    platforms,
    registered: {
      version,
      uri: artifact?.uri ?? wanted.uri,
      ...(found.model && { modelId: found.model.id }),
      ...(found.version && { versionId: found.version.id }),
      ...(artifact && { artifactId: artifact.id }),
    },
  };
}

/** The version to register: never `latest`, which moves. */
function versionOf(model: Model): string {
  if (model.version !== undefined) return model.version;
  throw new ModelcarsError('usage', `register ${model.name}: it has no version`, {
    next: 'pass --version v1.2.3, or set `version:` in models.yaml',
  });
}

/** KServe's model format, as the InferenceService has it; a framework `custom` may have none. */
function formatOf({ serving }: Model, framework: Framework): Pick<Registration, 'format'> {
  if (serving?.modelFormat !== undefined) return { format: { name: serving.modelFormat } };
  return framework.modelFormat === undefined ? {} : { format: framework.modelFormat };
}

/**
 * What is known of the image's signatures: checked by `trust:`, and recorded. With --signed, an image that no trusted
 * signer signed is not registered.
 */
async function signatureOf(
  { signatures, options }: Run,
  repository: Repository,
  { root }: ImageFacts,
): Promise<Record<string, string>> {
  if (signatures === undefined) return { signature: 'not checked' };
  try {
    const checks = await signatures.check(repository, root);
    return { signature: checks.find(({ rule }) => rule === 'signature')?.text ?? 'not checked' };
  } catch (error) {
    const unsigned = error instanceof ModelcarsError && error.code === 'trust';
    if (!unsigned || options.signedBy !== undefined) throw error;
    return { signature: 'not signed by a trusted signer' };
  }
}
