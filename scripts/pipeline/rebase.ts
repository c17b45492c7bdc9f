import type { Base } from '../bases/base-image.ts';
import { ModelcarsError, stopIfAborted } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import type { Descriptor } from '../image/types.ts';
import type { Catalog, Model } from '../model/types.ts';
import type { Repository } from '../registry/repository.ts';
import { releaseBefore } from '../registry/tag-policy.ts';
import type { Task } from '../terminal/types.ts';
import type { SigningOptions } from '../trust/signing/options.ts';
import type { Check } from '../verify/check.ts';
import { verifyImage } from '../verify/verify.ts';
import { SignatureCheck } from './check-signatures.ts';
import { checkedSink } from './checked-sink.ts';
import { compareEarlierBase } from './earlier-base.ts';
import { findImage } from './find-image.ts';
import { forEachModel } from './for-each-model.ts';
import type { ImageScans } from './image-scans.ts';
import { ImageSigning } from './image-signing.ts';
import { proveLayers } from './layer-proof.ts';
import { checkLicences } from './licences.ts';
import { openScans } from './open-scans.ts';
import { type OwnImage, readOwnImage } from './own-image.ts';
import { checkLayerCount, type ImagePlan } from './plan-image.ts';
import { listTags, planPush, refuseMoves } from './plan-tags.ts';
import { provideRepository } from './provide-repository.ts';
import { publishTags } from './publish-tags.ts';
import { planOf } from './rebase-plan.ts';
import { asStore, isOn, type RebasedImage, rebasedImage } from './rebased-image.ts';
import type { Rebase } from './rebases.ts';
import { sealImage } from './seal-image.ts';
import { Session } from './session.ts';
import { suggestBase } from './suggest-base.ts';
import type { Outcome, RunOptions } from './types.ts';
import { writeRebased } from './write-rebased.ts';

export interface RebaseOptions
  extends Omit<RunOptions, 'catalog' | 'models' | 'frozen' | 'keep' | 'signedBy'> {
  /** With `trust:`, the earlier images must be signed. */
  catalog: Catalog;
  rebases: readonly Rebase[];
  /** Take what the references of bases name now, also where the lock pins an earlier image. */
  pull: boolean;
  /** Read every layer of the earlier image first, and check its files against the image contract. */
  verifyLayers: boolean;
  /** Create missing repositories in Amazon ECR. */
  createRepository: boolean;
  /** Sign each new image before its tags are set. */
  signing?: SigningOptions;
  /** With `signing`: attach provenance and bill of materials too. */
  attest?: boolean;
}

interface Run {
  options: RebaseOptions;
  session: Session;
  signatures: SignatureCheck | undefined;
  signing: ImageSigning | undefined;
  scans: ImageScans | undefined;
  /** Bases that are not those of the lock. */
  moved: Set<string>;
}

/** An image whose claims have been checked. */
interface Source {
  root: Descriptor;
  /** `quay.io/me/iris:v1.2.3@sha256:…` */
  from: string;
  own: OwnImage;
  checks: Check[];
  /** Whether something besides the registry vouches for the bytes of its layers. */
  isProven: boolean;
}

/**
 * Makes a new version of pushed images on other bases. The model's layers stay in the registry: none is read (unless
 * `verifyLayers` asks for it) or sent. The new image has the digest that a push of the same files on these bases has. It
 * is verified before anything is sent, and read back before its tags are set, by the rules of a push.
 */
export async function rebaseImages(options: RebaseOptions): Promise<Outcome[]> {
  const { catalog, rebases, signal } = options;
  const models = rebases.map(({ model }) => model);
  const run: RunOptions = { ...options, models, frozen: false };
  const signatures = catalog.trust && (await SignatureCheck.open(catalog.trust, signal));
  await using signing = options.signing && (await ImageSigning.open(options.signing, run));
  await using session = await Session.open(run);
  await using scans = await openScans(session);
  const moved = new Set<string>();
  const outcomes = await forEachModel({ ...run, models: rebases, verb: 'rebase' }, (one, task) =>
    rebase({ options, session, signatures, signing, scans, moved }, one, task),
  );
  suggestBase(options, outcomes, moved);
  return scans?.attach(outcomes) ?? outcomes;
}

async function rebase(run: Run, wanted: Rebase, task: Task): Promise<Outcome> {
  const { options, session } = run;
  const { signal, progress } = session.options;
  const client = await session.client();
  const to = client.repository(wanted.to, { push: true });
  const from = wanted.from === wanted.to ? to : client.repository(wanted.from);
  task.note('verifying');
  const { root, from: source, own, checks, isProven } = await readSource(run, from, wanted, task);
  const platforms = own.platforms.map(({ platform }) => formatPlatform(platform));
  const model: Model = { ...wanted.model, platforms };
  const common = { model: wanted.name, name: to.name, from: source, base: model.base, platforms };
  const bases = await openBases(run, model);
  if (isOn(own, bases, model.base)) {
    progress.log(`${wanted.name}: ${source} is on this base already: no new version`);
    return { ...common, status: 'unchanged', digest: root.digest, sent: 0, tags: [], checks };
  }
  checkLayerCount(model, own.layers.length, bases);
  const image = rebasedImage(own, bases, model);
  const { index, size, layers } = image;
  const plan = options.attest
    ? planOf(session, { ...wanted, model }, own, image)
    : { model, files: new Map(), layers: [], bases };
  const tagPlan = await planPush(to, model);
  await refuseMoves(to, tagPlan, index.descriptor);
  if (options.signing !== undefined && !isProven) throw unproven(source);
  await run.scans?.check(model, task);
  const exists = await to.has(index.descriptor);
  const expected = { base: image.pins, baseStore: await session.bases.store(model.base), platforms, signal };
  if (!exists) await verifyImage(asStore(image), index.digest, { ...expected, layers: 'base' });
  const outcome = { ...common, digest: index.digest, size, layers, checks };
  const created = exists ? {} : await provideRepository(session.options, to.name, tagPlan, options);
  if (options.dryRun) {
    const tags = tagPlan.moves.map(({ tag, move, why }) => ({ tag, current: move, moved: move, why }));
    return { ...outcome, ...created, status: 'planned', tags };
  }
  const sink = checkedSink(to);
  task.note('writing');
  const sent = exists ? 0 : await writeRebased(session, own, image, { from, to, sink }, task);
  const written = await verifyImage(to, index.digest, { ...expected, layers: false });
  stopIfAborted(signal);
  const sealed = await seal(run, to, image, plan);
  const tags = await publishTags(to, tagPlan, index.descriptor, signal);
  for (const { tag, refused, why } of tags)
    if (refused) progress.warn(`${wanted.name}: tag ${tag} stays: ${why}; --no-floating-tags leaves it out`);
  await sink.confirmManifests();
  const made = (sealed.signatures?.made ?? 0) + (sealed.attestations?.made ?? 0);
  const status = exists && made === 0 && !tags.some(({ moved }) => moved) ? 'unchanged' : 'done';
  return { ...outcome, ...created, status, sent, ...sealed, checks: [...checks, ...written.checks], tags };
}

/** The earlier image, with everything checked that can be without its layers' bytes. */
async function readSource(run: Run, from: Repository, wanted: Rebase, task: Task): Promise<Source> {
  const { session, options, signatures, signing } = run;
  const { catalog, signal } = session.options;
  const { name, model } = wanted;
  const reference = wanted.reference ?? (await newestRelease(from, wanted));
  const root = await findImage(from, reference, { verb: 'rebase', name });
  const source = `${from.name}${reference === root.digest ? '' : `:${reference}`}@${root.digest}`;
  const own = await readOwnImage(from, root, source);
  const { checks } = await verifyImage(from, root.digest, {
    layers: options.verifyLayers,
    signal,
    onBytes: (count) => task.add(count),
  });
  const signed = (await signatures?.check(from, root)) ?? [];
  const known = await proveLayers(session, own, source);
  if (signatures === undefined) await compareEarlierBase(session, own, { name, base: model.base });
  const licenses = own.annotations['org.opencontainers.image.licenses'];
  const { licenses: _, licensesByDefault: __, ...rest } = model;
  await checkLicences({ ...rest, ...(licenses !== undefined && { licenses }) }, {}, catalog);
  const isProven =
    options.verifyLayers ||
    signed.length > 0 ||
    known !== undefined ||
    ((await signing?.hasSigned(from, root)) ?? false);
  return {
    root,
    from: source,
    own,
    checks: [...signed, ...(known ? [known] : []), ...(options.verifyLayers ? checks : [])],
    isProven,
  };
}

/** As the lock pins them; as the reference names them now without a pin, and with `pull`. */
async function openBases({ session, options, moved }: Run, model: Model): Promise<Base[]> {
  const pinned = session.lock?.bases[model.base];
  if (options.pull || pinned === undefined) {
    const pins = await session.locked.currentBase(model);
    if (pinned && model.platforms.some((one) => pinned[one] !== pins[one])) moved.add(model.base);
  }
  return await Promise.all(model.platforms.map((platform) => session.base(model, platform)));
}

async function newestRelease(from: Repository, { name, version }: Rebase): Promise<string> {
  const { tags, unlisted } = await listTags(from);
  const newest = unlisted === undefined ? releaseBefore(version, tags) : undefined;
  if (newest !== undefined) return newest;
  throw new ModelcarsError(
    'registry',
    `rebase ${name}: ${unlisted ?? `${from.name} has no release before ${version}`}`,
    {
      next: tags.includes(version)
        ? 'choose a new version, with --version or in models.yaml'
        : `name the image: \`modelcars rebase ${name}@v1.2.3\`, or push the first version: \`modelcars push\``,
    },
  );
}

async function seal(
  { session, options, signing }: Run,
  repository: Repository,
  { index }: RebasedImage,
  plan: Pick<ImagePlan, 'model' | 'files' | 'layers' | 'bases'>,
): Promise<Pick<Outcome, 'signatures' | 'attestations'>> {
  if (signing === undefined) return {};
  return await sealImage(session, signing, { repository, plan, index, attest: options.attest === true });
}

function unproven(source: string): ModelcarsError {
  return new ModelcarsError(
    'trust',
    `sign ${source} on another base: nothing vouches for its model layers, neither a signature nor the lock`,
    {
      next: 'name its signer in `trust:` of models.yaml, lock the layers with `modelcars lock --layers`, or read them with --verify-layers',
    },
  );
}
