import pLimit, { type LimitFunction } from 'p-limit';
import { ModelcarsError, stopIfAborted } from '../errors.ts';
import type { Trust } from '../model/trust.ts';
import type { Catalog } from '../model/types.ts';
import { RegistryClient } from '../registry/client.ts';
import { isDigest, parseReference } from '../registry/reference.ts';
import type { Repository } from '../registry/repository.ts';
import { isVersionTag } from '../registry/tag-policy.ts';
import type { Task } from '../terminal/types.ts';
import type { Check } from '../verify/check.ts';
import { verifyImage } from '../verify/verify.ts';
import { keys } from './annotations.ts';
import { SignatureCheck } from './check-signatures.ts';
import { findCompanions } from './companions.ts';
import { copyImage, findMissing } from './copy-image.ts';
import { findImage } from './find-image.ts';
import { forEachModel } from './for-each-model.ts';
import { type ImageTree, measureImage, TreeReader } from './image-tree.ts';
import { planPush, refuseMoves, type TagPlan } from './plan-tags.ts';
import type { Promotion } from './promotions.ts';
import { provideRepository } from './provide-repository.ts';
import { publishTags } from './publish-tags.ts';
import type { Outcome, RunOptions } from './types.ts';

export interface PromoteOptions
  extends Pick<RunOptions, 'dryRun' | 'concurrency' | 'registry' | 'signal' | 'progress'> {
  /** Undefined without a models.yaml. */
  catalog: Catalog | undefined;
  promotions: readonly Promotion[];
  /** Who must have signed the images; undefined: signatures are copied, and not checked. */
  trust?: Trust | undefined;
  /** Read every layer at the source first, and check its files against the image contract. */
  verifyLayers: boolean;
  /** Create missing repositories in Amazon ECR. */
  createRepository: boolean;
}

/** Blobs copied at the same time, over all images. */
const parallelBlobs = 4;

interface Run {
  options: PromoteOptions;
  client: RegistryClient;
  slot: LimitFunction;
  signatures: SignatureCheck | undefined;
}

/**
 * Copies images from one repository to another by digest, with all platforms, signatures and attestations; see
 * `copyImage`. Each image and, with `trust`, its signatures are verified before anything is written. Tags come last, by
 * the rules of a push.
 */
export async function promoteImages(options: PromoteOptions): Promise<Outcome[]> {
  const { promotions, registry, progress, signal } = options;
  const signatures = options.trust && (await SignatureCheck.open(options.trust, signal));
  const hosts = (side: 'from' | 'to') => promotions.map((one) => parseReference(one[side]).registry);
  const over = new AbortController();
  await using client = new RegistryClient({
    // MODELCARS_REGISTRY_USERNAME without _HOST is for the destination: another source must not see the password.
    own: hosts('from').filter((host) => hosts('to').includes(host)),
    ...(registry.insecure && { insecure: registry.insecure }),
    ...(registry.caFile !== undefined && { caFile: registry.caFile }),
    signal: AbortSignal.any([signal, over.signal]),
    onRetry: (line) => progress.warn(line),
  });
  const run = { options, client, slot: pLimit(parallelBlobs), signatures };
  try {
    return await forEachModel({ ...options, models: promotions, verb: 'promote' }, (promotion, task) =>
      promote(run, promotion, task),
    );
  } finally {
    // Abort first: a request that loses its connection would report that and try again.
    over.abort();
  }
}

async function promote(run: Run, promotion: Promotion, task: Task): Promise<Outcome> {
  const { dryRun, signal, progress } = run.options;
  const warn = (line: string) => progress.warn(`${promotion.name}: ${line}`);
  const from = run.client.repository(promotion.from);
  const to = run.client.repository(promotion.to, { push: true });

  const root = await findImage(from, promotion.reference, { verb: 'promote', name: promotion.name });
  const reader = new TreeReader(from, `${from.name}@${root.digest}`);
  const image = await reader.read(root);
  const tagPlan = await planTags(from, to, promotion, image);
  task.note('verifying');
  const checks = [
    ...(await verifySource(run, from, image, task)),
    ...((await run.signatures?.check(from, root)) ?? []),
  ];
  const companions = await findCompanions(from, image, reader, { signal, warn });
  const source = { repository: from, image, ...companions };
  const missing = await findMissing(source, to, signal);
  const outcome = {
    model: promotion.name,
    name: to.name,
    from: `${from.name}@${root.digest}`,
    digest: root.digest,
    ...measureImage(image),
    referrers: companions.referrers.length + companions.tagged.length,
    checks,
  };
  const created = await provideRepository(run.options, to.name, tagPlan, run.options);
  if (dryRun) {
    const tags = tagPlan.moves.map(({ tag, move, why }) => ({ tag, current: move, moved: move, why }));
    return { ...outcome, ...created, status: 'planned', tags };
  }
  task.note('copying');
  const { sent, confirm } = await copyImage(from, to, missing, { slot: run.slot, signal, task });
  // The signatures are read at the destination too: a tag there never points at an image without them.
  if (sent > 0 || missing.merged.length > 0) await run.signatures?.check(to, root);
  stopIfAborted(signal);
  const tags = await publishTags(to, tagPlan, root, signal);
  for (const { tag, refused, why } of tags)
    if (refused) warn(`tag ${tag} stays: ${why}; --no-floating-tags leaves it out`);
  await confirm();
  const isNew = sent > 0 || missing.merged.length > 0 || tags.some(({ moved }) => moved);
  return { ...outcome, ...created, status: isNew ? 'done' : 'unchanged', sent, tags };
}

/**
 * The tags to set, by the rules of a push. The version is the one that was named, or else the one in the image's
 * annotations; an image without version gets the tag that was named. Fails with code `tag` when the source has another
 * image under that version, or the destination.
 */
async function planTags(
  from: Repository,
  to: Repository,
  promotion: Promotion,
  image: ImageTree,
): Promise<TagPlan> {
  const { name, reference, tags, floatingTags } = promotion;
  const { digest } = image.descriptor;
  const named = image.annotations['org.opencontainers.image.version'];
  const annotated = tags.length === 0 && named !== undefined && isVersionTag(named) ? named : undefined;
  const version = promotion.version ?? annotated;
  if (version !== undefined && version !== reference) {
    const present = await from.resolve(version);
    if (present !== undefined && present.digest !== digest)
      throw new ModelcarsError(
        'tag',
        `promote ${name}: the version of ${digest} is ${version}, and ${from.name}:${version} is ${present.digest}`,
        { next: `promote ${version}, or choose the tag with --tag` },
      );
  }
  if (version === undefined && tags.length === 0 && isDigest(reference))
    throw new ModelcarsError('usage', `promote ${name}: the image ${digest} names no version`, {
      next: 'choose its tag with --tag',
    });
  const extra = version === undefined && tags.length === 0 ? [reference] : tags;
  const plan = await planPush(to, { ...(version !== undefined && { version }), tags: extra, floatingTags });
  await refuseMoves(to, plan, image.descriptor);
  return plan;
}

/**
 * Checks the image contract on index, manifests and configs, and on the layers too when asked for: by default they are
 * compared with their digests while they are copied. A loader is no model, and only has to be readable.
 */
async function verifySource(run: Run, from: Repository, image: ImageTree, task: Task): Promise<Check[]> {
  const { verifyLayers, signal } = run.options;
  if (image.annotations[keys.framework] === 'loader') return [];
  const { checks } = await verifyImage(from, image.descriptor.digest, {
    layers: verifyLayers,
    signal,
    onBytes: (count) => task.add(count),
  });
  return checks;
}
