import { lockProblems } from '../catalog/lock-check.ts';
import { lockCommand } from '../catalog/lock-path.ts';
import { ModelcarsError } from '../errors.ts';
import type { Digest } from '../image/types.ts';
import { loaderFiles } from '../loader/files.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Framework, Lock, LockedBase, LockedModel, Model } from '../model/types.ts';
import type { SourceOptions } from '../sources/types.ts';
import { displayPath } from '../text/paths.ts';
import type { BaseImages } from './base-images.ts';
import { type LocalFiles, wantedFiles } from './local-files.ts';
import { logFindings } from './lock-policy.ts';
import { Once } from './once.ts';
import type { RunOptions } from './types.ts';

export interface LockResolverOptions {
  options: Pick<RunOptions, 'catalog' | 'progress' | 'signal'>;
  /** As read from disk; undefined without a lock file. */
  lock: Lock | undefined;
  frameworks: ReadonlyMap<string, Framework>;
  bases: BaseImages;
  sources: SourceOptions;
  /** Receives the files of `file:` sources that this run uses. */
  local: LocalFiles;
}

/**
 * The inputs of each model: the lock's entry or, where the lock has no matching one, the current source and base image,
 * with a warning. Each is resolved once per run. A frozen run without a lock fails earlier: see `checkFrozen`.
 */
export class LockResolver {
  readonly #use: LockResolverOptions;
  readonly #models = new Once<CatalogEntry, LockedModel>();
  readonly #pins = new Once<string, LockedBase>();

  constructor(use: LockResolverOptions) {
    this.#use = use;
  }

  /** A model's files, with size and SHA-256. Fails with the source's errors where it has to be resolved. */
  model(model: CatalogEntry): Promise<LockedModel> {
    return this.#models.get(model, async () => {
      const { local, options } = this.#use;
      const locked = isModel(model) ? await this.#lockedOrCurrent(model) : await loaderFiles(options.signal);
      if (locked !== this.#use.lock?.models[model.name]) local.accept(wantedFiles(locked));
      return locked;
    });
  }

  /** The manifest digests of a model's base image, one per platform. */
  base(model: CatalogEntry): Promise<LockedBase> {
    return this.#pins.get(pinsKey(model), async () => {
      const pins = { ...this.#use.lock?.bases[model.base] };
      const missing = model.platforms.filter((platform) => pins[platform] === undefined);
      if (missing.length === 0) return pins;
      const { bases, options } = this.#use;
      options.progress.warn(
        `base ${model.base}: no lock for ${missing.join(', ')}; using the current image (\`${lockCommand(options.catalog)}\` pins it)`,
      );
      return { ...pins, ...(await bases.resolve(model.base, missing)) };
    });
  }

  /** Takes the current base image of a model for the rest of the run, whatever the lock pins. */
  currentBase(model: CatalogEntry): Promise<LockedBase> {
    return this.#pins.get(pinsKey(model), () => this.#use.bases.resolve(model.base, model.platforms));
  }

  /** The manifest digest of a model's base image for one of the model's platforms. */
  async pin(model: CatalogEntry, platform: string): Promise<Digest> {
    const pin = (await this.base(model))[platform] as Digest | undefined;
    if (pin === undefined) throw new ModelcarsError('bug', `base ${model.base}: no pin for ${platform}`);
    return pin;
  }

  async #lockedOrCurrent(model: Model): Promise<LockedModel> {
    const { options, frameworks, sources } = this.#use;
    const file = displayPath(options.catalog.lockFile);
    const reason = lockProblems([model], this.#use.lock, frameworks, undefined, file).find(
      (one) => !one.startsWith('base '),
    );
    const locked = this.#use.lock?.models[model.name];
    if (reason === undefined && locked !== undefined) return locked;
    options.progress.warn(
      `${model.name}: ${reason}; building from the current source (\`${lockCommand(options.catalog)}\` pins it)`,
    );
    const framework = frameworkOf(frameworks, model);
    const { resolveModel } = await import('../catalog/resolve.ts');
    const { leftOut, unknown, warnings, rename, ...resolved } = await resolveModel(
      model,
      framework,
      sources,
      options.signal,
    );
    logFindings(options.progress, model, { leftOut, unknown, warnings, rename });
    return resolved;
  }
}

function pinsKey({ base, platforms }: CatalogEntry): string {
  return `${base} ${platforms.join()}`;
}

/** A model's framework; loading the catalog has checked that it exists. */
export function frameworkOf(frameworks: ReadonlyMap<string, Framework>, model: Model): Framework {
  const framework = frameworks.get(model.framework);
  if (framework === undefined)
    throw new ModelcarsError('catalog', `model ${model.name}: no framework ${model.framework}`);
  return framework;
}
