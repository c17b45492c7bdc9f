import { ModelcarsError } from '../errors.ts';
import type { Descriptor } from '../image/types.ts';
import type { CatalogEntry } from '../model/types.ts';
import { RegistryFailure } from '../registry/failure.ts';
import type { Repository } from '../registry/repository.ts';
import { checkImmutable, planTags, standing, type TagMove, type TagRequest } from '../registry/tag-policy.ts';
import { extraTags } from './image-names.ts';

/** The tags of a push, planned from the repository's state at its start. */
export interface TagPlan {
  moves: TagMove[];
  /** Existing tags of the repository, as far as known. */
  existing: string[];
  /** The image that each tag to be set pointed at; undefined for a tag that does not exist. */
  before: ReadonlyMap<string, Descriptor | undefined>;
  /** The request passed to `planTags`, without `existing`. */
  request: Omit<TagRequest, 'existing'>;
  /** Why the registry does not list tags; undefined when it does. */
  unlisted: string | undefined;
}

/**
 * Plans the tags of a model's push from the list of tags and from the images that the tags point at: a list may be
 * truncated or forbidden (AWS's documented policy for pushing lacks ecr:ListImages).
 */
export async function planPush(
  repository: Repository,
  model: Pick<CatalogEntry, 'version' | 'tags' | 'floatingTags'>,
): Promise<TagPlan> {
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

/** Refuses an image whose version tag points at another image. Makes no request. */
export async function refuseMoves(repository: Repository, plan: TagPlan, image: Descriptor): Promise<void> {
  const known = { name: repository.name, resolve: async (tag: string) => plan.before.get(tag) };
  for (const { tag, kind } of plan.moves)
    if (kind === 'version') await checkImmutable(known, tag, image.digest);
}

/** The tags, or the reason why this account cannot list them. Fails like `Repository.tags` on other errors. */
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

/** The version in an image's annotations. Undefined when it is missing or cannot be read. */
export async function namedVersion(
  repository: Pick<Repository, 'read'>,
  image: Descriptor,
): Promise<string | undefined> {
  try {
    const document: unknown = JSON.parse(Buffer.from(await repository.read(image)).toString('utf8'));
    const { annotations } = (document ?? {}) as { annotations?: Record<string, unknown> | null };
    const version = annotations?.['org.opencontainers.image.version'];
    return typeof version === 'string' ? version : undefined;
  } catch (error) {
    // An unreadable image names no version; a broken connection proves nothing about the image.
    if (error instanceof ModelcarsError && ['cancelled', 'network'].includes(error.code)) throw error;
    return undefined;
  }
}

/** For a repository without a list of tags: a floating tag stays when its image is newer or names no version. */
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
 * Why a floating tag must stay at `current`: that image names a newer version (`named`), or it names none and there is
 * no list of tags to compare with (`blind`). Undefined when the tag may move.
 */
export function holdsBack(
  tag: string,
  version: string,
  current: Descriptor,
  named: string | undefined,
  blind: boolean,
): string | undefined {
  const order = standing(tag, version, named);
  if (order === 'newer') return `it points at ${current.digest}, which says it is ${named}: that is newer`;
  if (order !== undefined || !blind) return undefined;
  return `it points at ${current.digest}, which names no version of this release line, and the tags cannot be listed`;
}
