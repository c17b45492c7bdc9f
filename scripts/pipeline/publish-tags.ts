import { ModelcarsError } from '../errors.ts';
import { RequestFailure } from '../http/failure.ts';
import type { Descriptor } from '../image/types.ts';
import { RegistryFailure } from '../registry/failure.ts';
import type { Repository } from '../registry/repository.ts';
import { checkImmutable, planTags, type TagMove } from '../registry/tag-policy.ts';
import { lookUntil } from '../registry/transfer/read-back.ts';
import { holdsBack, listTags, namedVersion, type TagPlan } from './plan-tags.ts';
import type { TagOutcome } from './types.ts';

/**
 * Limit on the rounds of correcting a floating tag that other jobs move at the same time; each round handles one more
 * release.
 */
const mostRounds = 5;

/**
 * Sets the tags of a push, version tags first, and reads each back. A version tag that another job moved to other bytes
 * meanwhile fails with code `tag` and both digests. A floating tag is checked just before and after it moves, so that
 * of two simultaneous releases the newer one finally has it, regardless of which job is slower. A floating tag that the
 * registry does not let move stays, and the outcome gives the reason. Tags that already point at the image cost no
 * request.
 */
export async function publishTags(
  repository: Repository,
  plan: TagPlan,
  image: Descriptor,
  signal: AbortSignal,
): Promise<TagOutcome[]> {
  return await new Publisher(repository, plan, image, signal).run();
}

class Publisher {
  readonly #repository: Repository;
  readonly #plan: TagPlan;
  readonly #image: Descriptor;
  readonly #signal: AbortSignal;
  /** Version tags that this run set. */
  readonly #versions: string[] = [];
  /** The version that an image names, by digest: floating tags often share one image. */
  readonly #named = new Map<string, string | undefined>();
  /** The latest list of tags; undefined after a tag was set. */
  #list: Awaited<ReturnType<typeof listTags>> | undefined;

  constructor(repository: Repository, plan: TagPlan, image: Descriptor, signal: AbortSignal) {
    this.#repository = repository;
    this.#plan = plan;
    this.#image = image;
    this.#signal = signal;
  }

  async run(): Promise<TagOutcome[]> {
    const outcomes = new Map<string, TagOutcome>();
    const failures: unknown[] = [];
    for (const kind of ['version', 'floating', 'extra'] as const) {
      for (const move of this.#plan.moves.filter((one) => one.kind === kind)) {
        // The user named this tag, so its failure fails the push, after all other tags are set.
        const outcome = this.#set(move).catch((error: unknown) => {
          if (kind !== 'extra' || !(error instanceof RegistryFailure)) throw error;
          failures.push(error);
          return undefined;
        });
        const done = await outcome;
        if (done) outcomes.set(move.tag, done);
      }
    }
    await this.#confirm(outcomes);
    if (failures.length > 0) throw failures[0];
    return this.#plan.moves.flatMap(({ tag }) => outcomes.get(tag) ?? []);
  }

  async #set(move: TagMove): Promise<TagOutcome> {
    const { tag, why, kind } = move;
    if (this.#plan.before.get(tag)?.digest === this.#image.digest)
      return { tag, current: true, moved: false, why };
    if (kind === 'version') return await this.#setVersion(move);
    if (!move.move) return { tag, current: false, moved: false, why };
    if (kind === 'floating') return await this.#setFloating(move);
    const current = await this.#resolve(tag);
    if (current?.digest === this.#image.digest) return { tag, current: true, moved: false, why };
    await this.#put(tag, this.#image);
    return await this.#readBack(move, current);
  }

  async #setVersion({ tag, why }: TagMove): Promise<TagOutcome> {
    const ours = { tag, current: true, moved: false, why };
    const isOurs = () => checkImmutable(this.#repository, tag, this.#image.digest);
    if (await isOurs()) return ours;
    try {
      await this.#put(tag, this.#image, async () => void (await isOurs()));
    } catch (error) {
      if (!(error instanceof RegistryFailure) || error.refusal !== 'immutable') throw error;
      // Another job was first; if it has the same image, that counts as success.
      const present = await this.#resolve(tag);
      if (present === undefined) throw error;
      this.#expectOurs(tag, present);
      return ours;
    }
    this.#expectOurs(tag, await this.#lookForSome(tag));
    this.#versions.push(tag);
    return { ...ours, moved: true };
  }

  async #setFloating(move: TagMove): Promise<TagOutcome> {
    const { tag } = move;
    const { move: moves, why } = await this.#judge(tag);
    const current = await this.#resolve(tag);
    if (current?.digest === this.#image.digest) return { tag, current: true, moved: false, why };
    const stays = moves ? current && (await this.#heldBack(tag, current)) : why;
    if (stays !== undefined) return { tag, current: false, moved: false, why: stays };
    try {
      await this.#put(tag, this.#image);
    } catch (error) {
      return this.#refused(tag, error);
    }
    const outcome = await this.#readBack(move, current);
    return outcome.moved ? await this.#followNewest(outcome) : outcome;
  }

  /**
   * Why the tag must stay at its current image. Fails when that is another image of the same version, published
   * meanwhile.
   */
  async #heldBack(tag: string, current: Descriptor): Promise<string | undefined> {
    const version = this.#version;
    if (!this.#named.has(current.digest))
      this.#named.set(current.digest, await namedVersion(this.#repository, current));
    const named = this.#named.get(current.digest);
    const { tags, unlisted } = await this.#tags();
    const why = holdsBack(tag, version, current, named, unlisted !== undefined || !tags.includes(tag));
    if (why !== undefined || named === undefined) return why;
    const sameVersion = named.replace(/^v/, '') === version.replace(/^v/, '');
    // The image appeared during this push: another job publishes the same version.
    if (sameVersion && this.#plan.before.get(tag)?.digest !== current.digest)
      await this.#contest(version, current);
    return undefined;
  }

  /**
   * Of two jobs that publish one version, the last to set the version tag continues, unless the other has already set
   * all its floating tags and so has reported success. A job in between finds out in `#confirm`.
   */
  async #contest(version: string, other: Descriptor): Promise<void> {
    this.#expectOurs(version, await this.#resolve(version));
    const floating = this.#plan.moves.filter(({ kind, move }) => kind === 'floating' && move);
    for (const { tag } of floating) if ((await this.#resolve(tag))?.digest !== other.digest) return;
    throw this.#lost(version, other);
  }

  /**
   * Checks the version tags again. If another job took one, this push fails, and the floating tags it set move to that
   * job's image.
   */
  async #confirm(outcomes: ReadonlyMap<string, TagOutcome>): Promise<void> {
    for (const version of this.#versions) {
      const present = await this.#lookForSome(version);
      if (present && present.digest !== this.#image.digest && version === this.#version) {
        for (const { tag, kind } of this.#plan.moves) {
          if (kind !== 'floating' || !outcomes.get(tag)?.moved) continue;
          if ((await this.#resolve(tag))?.digest === this.#image.digest) await this.#put(tag, present);
        }
      }
      this.#expectOurs(version, present);
    }
  }

  /**
   * After a move: points the tag at a newer release that appeared since the last list of tags. Every push lists the
   * tags after its own moves, so the last push leaves the tag at the newest release.
   */
  async #followNewest(outcome: TagOutcome): Promise<TagOutcome> {
    const { tag } = outcome;
    let target = this.#image;
    for (let round = 0; round < mostRounds; round++) {
      const { newest, move, why } = await this.#judge(tag);
      if (move || newest === undefined) return outcome;
      const newer = await this.#resolve(newest);
      if (newer === undefined || newer.digest === target.digest) break;
      const stays = { tag, current: false, moved: false, why };
      if ((await this.#resolve(tag))?.digest !== target.digest) return stays;
      await this.#put(tag, newer);
      target = newer;
    }
    return target === this.#image
      ? outcome
      : { ...outcome, current: false, moved: false, why: await this.#why(tag) };
  }

  async #why(tag: string): Promise<string> {
    return (await this.#judge(tag)).why;
  }

  /** The image that a floating tag should point at, by the current list of tags. */
  async #judge(tag: string): Promise<TagMove> {
    const { tags, unlisted } = await this.#tags();
    const existing = unlisted === undefined ? tags : [];
    const judged = planTags({ ...this.#plan.request, existing }).find((move) => move.tag === tag);
    if (judged === undefined) throw new ModelcarsError('bug', `tag ${tag}: it is not in the plan`);
    return judged;
  }

  async #tags(): Promise<Awaited<ReturnType<typeof listTags>>> {
    const unlisted = this.#plan.unlisted;
    this.#list ??= unlisted === undefined ? await listTags(this.#repository) : { tags: [], unlisted };
    return this.#list;
  }

  async #put(tag: string, image: Descriptor, beforeRetry?: () => Promise<void>): Promise<void> {
    this.#list = undefined;
    await this.#repository.tag(tag, image, beforeRetry);
  }

  async #resolve(tag: string): Promise<Descriptor | undefined> {
    return await this.#repository.resolve(tag);
  }

  /** The image of a tag that was set; undefined when the tag still does not exist after a while. */
  async #lookForSome(tag: string): Promise<Descriptor | undefined> {
    const isThere = (found: Descriptor | undefined) => found !== undefined;
    return await lookUntil(() => this.#resolve(tag), isThere, { signal: this.#signal });
  }

  /** Reads a tag back after its PUT. Fails with code `integrity` when the registry left the tag as it was. */
  async #readBack({ tag, why }: TagMove, before: Descriptor | undefined): Promise<TagOutcome> {
    const present = await lookUntil(
      () => this.#resolve(tag),
      (found) => found !== undefined && found.digest !== before?.digest,
      { signal: this.#signal },
    );
    if (present?.digest === this.#image.digest) return { tag, current: true, moved: true, why };
    if (present === undefined || present.digest === before?.digest) throw this.#notStored(tag, present);
    return { tag, current: false, moved: false, why: `another run moved it to ${present.digest} meanwhile` };
  }

  /** The outcome of a floating tag that the registry refuses to move; throws any other failure. */
  #refused(tag: string, error: unknown): TagOutcome {
    const rules = [400, 401, 403, 405, 409, 412, 423, 507];
    if (!(error instanceof RequestFailure) || !rules.includes(error.status ?? 0)) throw error;
    const refused = (error instanceof RegistryFailure ? error.refusal : undefined) ?? 'other';
    const why = error.message.replace(`tag ${this.#repository.name}:${tag}: `, '');
    return { tag, current: false, moved: false, refused, why };
  }

  #expectOurs(tag: string, present: Descriptor | undefined): void {
    if (present === undefined) throw this.#notStored(tag, undefined);
    if (present.digest !== this.#image.digest) throw this.#lost(tag, present);
  }

  #lost(tag: string, other: Descriptor): ModelcarsError {
    return new ModelcarsError(
      'tag',
      `push ${this.#repository.name}:${tag}: another job published ${other.digest} under this version while this one published ${this.#image.digest}`,
      { next: `decide which of the two ${tag} is, and push the other under a new version` },
    );
  }

  #notStored(tag: string, present: Descriptor | undefined): ModelcarsError {
    const found = present === undefined ? 'there is no such tag' : `it still points at ${present.digest}`;
    return new ModelcarsError(
      'integrity',
      `tag ${this.#repository.name}:${tag}: the registry answered that it points at ${this.#image.digest}, and ${found}`,
      { next: "look at the registry's log and any proxy or cache before it, then push again" },
    );
  }

  get #version(): string {
    return this.#plan.request.version ?? '';
  }
}
