import { ModelcarsError } from '../errors.ts';
import type { Descriptor } from '../image/types.ts';
import type { Model } from '../model/types.ts';
import { RegistryFailure } from '../registry/failure.ts';
import type { Repository } from '../registry/repository.ts';
import { checkImmutable, planTags, standing, type TagMove, type TagRequest } from '../registry/tag-policy.ts';
import { extraTags } from './image-names.ts';

/** The tags of a push, as the repository was when it began. */
export interface TagPlan {
  moves: TagMove[];
  /** Tags that the repository is known to have. */
  existing: string[];
  /** What the tags that may be set pointed at; undefined: nothing. */
  before: ReadonlyMap<string, Descriptor | undefined>;
  /** Without `existing`: what `planTags` was asked. */
  request: Omit<TagRequest, 'existing'>;
  /** Why the registry does not list tags; undefined when it does. */
  unlisted: string | undefined;
}

/**
 * Plans the tags of a model's push: from the list of tags, and, since a list may be cut or forbidden (AWS's documented policy for
 * pushing lacks ecr:ListImages), from what the tags themselves point at.
 */
export async function planPush(repository: Repository, model: Model): Promise<TagPlan> {
  const { tags, unlisted } = await listTags(repository);
  const request = {
    ...(model.version !== undefined && { version: model.version }),
    extra: extraTags(model),
    floating: model.floatingTags ?? true,
  };
  const before = new Map<string, Descriptor | undefined>();
  const settable = planTags({ ...request, existing: tags }).filter(
    ({ move, kind }) => move || kind === 'version',
  );
  await Promise.all(settable.map(async ({ tag }) => before.set(tag, await repository.resolve(tag))));
  const found = settable.flatMap(({ tag }) => (before.get(tag) ? [tag] : []));
  const existing = [...new Set([...tags, ...found])];
  const plan = { moves: planTags({ ...request, existing }), existing, before, request, unlisted };
  return unlisted === undefined ? plan : { ...plan, moves: await judgeByImages(repository, plan) };
}

/** Refuses an image under a version tag that points at another one; asks nothing. */
export async function refuseMoves(repository: Repository, plan: TagPlan, image: Descriptor): Promise<void> {
  const known = { name: repository.name, resolve: async (tag: string) => plan.before.get(tag) };
  for (const { tag, kind } of plan.moves)
    if (kind === 'version') await checkImmutable(known, tag, image.digest);
}

/** The tags, or why they cannot be listed. Fails as `Repository.tags` does when that is no rule but a fault. */
export async function listTags(
  repository: Repository,
): Promise<{ tags: string[]; unlisted: string | undefined }> {
  try {
    return { tags: await repository.tags(), unlisted: undefined };
  } catch (error) {
    const forbidden =
      error instanceof RegistryFailure &&
      ([403, 405, 501].includes(error.status ?? 0) || error.refusal === 'rights');
    if (!forbidden) throw error;
    return { tags: [], unlisted: error.message.replace(/^list the tags of [^ ]+: /, '') };
  }
}

/** The release that an image says it is: the annotation of its index or manifest. Undefined where it says nothing or cannot be read. */
export async function namedVersion(repository: Repository, image: Descriptor): Promise<string | undefined> {
  try {
    const document: unknown = JSON.parse(Buffer.from(await repository.read(image)).toString('utf8'));
    const { annotations } = (document ?? {}) as { annotations?: Record<string, unknown> | null };
    const version = annotations?.['org.opencontainers.image.version'];
    return typeof version === 'string' ? version : undefined;
  } catch (error) {
    // What cannot be read names no version; a broken connection is no answer at all.
    if (error instanceof ModelcarsError && ['cancelled', 'network'].includes(error.code)) throw error;
    return undefined;
  }
}

/** Without a list: floating tags stay where the image that they point at is newer, or does not say how new it is. */
async function judgeByImages(repository: Repository, plan: TagPlan): Promise<TagMove[]> {
  const { version } = plan.request;
  const own = version === undefined ? undefined : plan.before.get(version);
  return await Promise.all(
    plan.moves.map(async (move) => {
      const current = plan.before.get(move.tag);
      if (move.kind !== 'floating' || version === undefined || !current || current.digest === own?.digest)
        return move;
      const why = holdsBack(move.tag, version, current, await namedVersion(repository, current), true);
      return why === undefined ? move : { ...move, move: false, why };
    }),
  );
}

/**
 * Why a floating tag has to stay at `current`: the release which that image says it is is newer; or it says none, and no list of
 * tags (`blind`) tells either. Undefined when it may move.
 */
export function holdsBack(
  tag: string,
  version: string,
  current: Descriptor,
  named: string | undefined,
  blind: boolean,
): string | undefined {
  const order = standing(tag, version, named);
  if (order === 'newer')
    return `it points at ${current.digest}, which says it is ${named}, and that is newer`;
  if (order !== undefined || !blind) return undefined;
  return `it points at ${current.digest}, which names no release of this line, and the list of tags is not there to tell`;
}
