import { lockCommand } from '../catalog/lock-path.ts';
import { ModelcarsError } from '../errors.ts';
import type { Descriptor } from '../image/types.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry } from '../model/types.ts';
import type { Repository } from '../registry/repository.ts';
import type { TagMove } from '../registry/tag-policy.ts';
import { isLocal } from '../sources/index.ts';
import type { Task } from '../terminal/types.ts';
import { list } from '../text/format.ts';
import type { SigningOptions } from '../trust/signing/options.ts';
import { type Assembled, assemble, predict, proveFiles } from './assemble.ts';
import { checkedSink } from './checked-sink.ts';
import { checkDiskSpace } from './disk-space.ts';
import { forEachModel } from './for-each-model.ts';
import { hashImage, hashLayers, unknownLayers } from './hash-layers.ts';
import { repositoryName } from './image-names.ts';
import { ImageSigning } from './image-signing.ts';
import { openScans } from './open-scans.ts';
import { type ImagePlan, planImage } from './plan-image.ts';
import { planPush, refuseMoves, type TagPlan } from './plan-tags.ts';
import { previousLayers } from './previous-layers.ts';
import { provideRepository } from './provide-repository.ts';
import { publishTags } from './publish-tags.ts';
import { sealImage } from './seal-image.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions, TagOutcome } from './types.ts';
import { refuseKnownUnsafeImage, refuseUnsafeImage } from './unsafe-files.ts';

export interface PushOptions extends RunOptions {
  /** Model name → digest of the image that passed the smoke test. */
  proven?: ReadonlyMap<string, string>;
  /** Create missing repositories in Amazon ECR, each just before its first upload. */
  createRepository?: boolean;
  /** Sign each image after its upload and before its tags. */
  signing?: SigningOptions;
  /** With `signing`: attach provenance and bill of materials too. */
  attest?: boolean;
}

/**
 * Pushes the models straight from their sources to the registry. Writes nothing to disk, except to the store with
 * `keep`. Does not send blobs that the registry has. Blobs go before manifests and manifests before tags, so that a tag
 * never points at an incomplete image. With `proven`, an image with another digest gets no tag and fails with code
 * `integrity`.
 */
export async function pushModels(options: PushOptions): Promise<Outcome[]> {
  for (const model of options.models) repositoryName(model); // a missing registry is a usage error, not one model's failure
  await using signing = options.signing && (await ImageSigning.open(options.signing, options));
  await using session = await Session.open(options);
  await using scans = await openScans(session);
  const outcomes = await forEachModel(options, async (model, task) => {
    await scans?.check(model, task);
    return await pushModel(session, model, task, { ...options, signer: signing });
  });
  await suggestLockingLayers(session, outcomes);
  suggestSigning(options, outcomes);
  return scans?.attach(outcomes) ?? outcomes;
}

/** Reminds of the signature that `trust:` makes `verify`, `promote` and clusters require. */
function suggestSigning({ catalog, signing, dryRun, progress }: PushOptions, outcomes: Outcome[]): void {
  if (catalog.trust === undefined || signing !== undefined || dryRun) return;
  if (outcomes.every(({ status }) => status === 'failed')) return;
  progress.log(
    'models.yaml names signers (`trust:`), and this push signed nothing: push with --sign, or run `modelcars sign`',
  );
}

/**
 * Suggests `lock --layers` when this push computed layer digests that would save other machines from reading the
 * models.
 */
async function suggestLockingLayers(session: Session, outcomes: readonly Outcome[]): Promise<void> {
  const { options, lock } = session;
  if (lock === undefined || options.frozen || options.dryRun) return;
  const done = new Set(outcomes.filter(({ status }) => status !== 'failed').map(({ model }) => model));
  const names = options.models
    .filter((model) => isModel(model) && done.has(model.name) && !isLocal(model.source))
    .filter(({ name }) => lock.models[name] !== undefined && lock.models[name].layers === undefined)
    .map(({ name }) => name);
  if (names.length === 0) return;
  options.progress.log(
    `other machines can push ${list(names, 'and', 4)} without reading the source: \`${lockCommand(options.catalog, ['--layers'])}\` records the layers, which this machine knows now`,
  );
}

async function pushModel(
  session: Session,
  model: CatalogEntry,
  task: Task,
  options: PushOptions & { signer: ImageSigning | undefined },
): Promise<Outcome> {
  const proven = options.proven?.get(model.name);
  const name = repositoryName(model);
  const plan = await planImage(session, model);
  const client = await session.client();
  const repository = client.repository(name, { push: true });
  const tagPlan = await planPush(repository, model);
  const { moves } = tagPlan;
  const warn = (line: string) => session.options.progress.warn(`${model.name}: ${line}`);
  if (tagPlan.unlisted !== undefined && moves.some(({ kind }) => kind === 'floating'))
    warn(`floating tags are judged by the images they point at: ${tagPlan.unlisted}`);
  if (!session.options.dryRun) {
    await checkDiskSpace(session, plan, repository);
    await hashPrevious(session, repository, plan, tagPlan, task);
  }
  const known = await identify(session, plan, moves, task);
  if (known !== undefined) {
    refuseUnproven(name, known.index.descriptor, proven);
    await refuseMoves(repository, tagPlan, known.index.descriptor);
  }

  const outcome = { model: model.name, name, platforms: model.platforms };
  if (session.options.dryRun) {
    await refuseKnownUnsafeImage(session, plan);
    await proveFiles(session, plan);
    const created = await provideRepository(session.options, name, tagPlan, options);
    return { ...outcome, ...created, status: 'planned', ...describe(known, plan), tags: moves.map(shown) };
  }
  const exists = known !== undefined && (await repository.has(known.index.descriptor));
  if (exists) {
    await refuseUnsafeImage(session, plan);
    await proveFiles(session, plan);
  }
  const created = exists ? {} : await provideRepository(session.options, name, tagPlan, options);
  const sink = checkedSink(repository);
  const image = exists ? known : await assemble(session, plan, sink, task);
  refuseUnproven(name, image.index.descriptor, proven);
  const { signer, attest = false } = options;
  const sealed =
    signer && (await sealImage(session, signer, { repository, plan, index: image.index, attest }));
  const tags = await publishTags(repository, tagPlan, image.index.descriptor, session.options.signal);
  for (const { tag, refused, why } of tags)
    if (refused) warn(`tag ${tag} stays: ${why}; --no-floating-tags leaves it out`);
  await sink.confirmManifests();
  const changed = !exists || tags.some(({ moved }) => moved) || made(sealed) > 0;
  const status = changed ? 'done' : 'unchanged';
  return {
    ...outcome,
    ...created,
    status,
    digest: image.index.digest,
    size: image.size,
    layers: image.layers,
    sent: image.sent,
    ...sealed,
    tags,
  };
}

function made(sealed: Pick<Outcome, 'signatures' | 'attestations'> = {}): number {
  return (sealed.signatures?.made ?? 0) + (sealed.attestations?.made ?? 0);
}

/** Without a lock, a source or base image can change between smoke test and push. */
function refuseUnproven(name: string, { digest }: Descriptor, proven: string | undefined): void {
  if (proven === undefined || digest === proven) return;
  throw new ModelcarsError(
    'integrity',
    `push ${name}: the image is ${digest} now, but the smoke test ran with ${proven}; no tag is set`,
    { next: 'run `modelcars lock`, so that files and base cannot change in between' },
  );
}

/**
 * The image before anything is sent: when the digests of its layers are known, or when its version tag exists. In the
 * second case unknown layers are read once and not sent: the image either exists or is refused.
 */
async function identify(
  session: Session,
  plan: ImagePlan,
  moves: readonly TagMove[],
  task: Task,
): Promise<Assembled | undefined> {
  const known = await predict(session, plan);
  if (known !== undefined || !moves.some((move) => move.kind === 'version' && !move.move)) return known;
  task.note('the version exists: comparing');
  return await hashImage(session, plan, await unknownLayers(session, plan.layers), task);
}

/**
 * Takes the digests of layers from an earlier image if a signer of `trust:` signed it. Otherwise hashes the layers of
 * unknown digest that it seems to have: the registry's annotations do not prove their bytes, but they probably need not
 * be sent.
 */
async function hashPrevious(
  session: Session,
  repository: Repository,
  plan: ImagePlan,
  { moves, existing }: TagPlan,
  task: Task,
): Promise<void> {
  const unknown = await unknownLayers(session, plan.layers);
  if (unknown.length === 0) return;
  const before =
    [...moves.map((move) => move.tag), 'latest'].find((tag) => existing.includes(tag)) ?? existing.at(-1);
  if (before === undefined) return;
  const previous = await previousLayers(repository, before, plan);
  const claimed = unknown.filter(({ key }) => previous.layers.has(key));
  if (claimed.length === 0) return;
  if (await isSigned(session, repository, previous.root)) {
    for (const layer of claimed) {
      const known = previous.layers.get(layer.key);
      if (known !== undefined) session.layers.trust(layer, known);
    }
  }
  const probable = await unknownLayers(session, claimed);
  if (probable.length === 0) return;
  task.note('reading the model, to compare it with the registry');
  await hashLayers(session, probable, task);
}

/** Whether a signer of `trust:` signed an earlier image; false when the catalog names none. */
async function isSigned(
  session: Session,
  repository: Repository,
  root: Descriptor | undefined,
): Promise<boolean> {
  const { catalog, signal } = session.options;
  if (catalog.trust === undefined || root === undefined) return false;
  const { SignatureCheck } = await import('./check-signatures.ts');
  try {
    await (await SignatureCheck.open(catalog.trust, signal)).check(repository, root);
    return true;
  } catch (error) {
    if (error instanceof ModelcarsError && error.code === 'trust') return false;
    throw error;
  }
}

function describe(known: Assembled | undefined, plan: ImagePlan): Partial<Outcome> {
  if (known !== undefined) return { digest: known.index.digest, size: known.size, layers: known.layers };
  return { size: plan.layers.reduce((sum, layer) => sum + layer.plan.size, 0), layers: plan.layers.length };
}

function shown({ tag, move, why }: TagMove): TagOutcome {
  return { tag, current: move, moved: move, why };
}
