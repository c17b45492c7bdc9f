import * as z from 'zod';
import type { ModelcarsError } from '../../errors.ts';
import type { Layer } from '../../image/layer.ts';
import type { ImageFile } from '../../image/plan.ts';
import { isLocal } from '../../sources/index.ts';
import type { WantedFile } from '../../store/file-cache.ts';
import type { Store } from '../../store/store.ts';
import type { Facts } from './facts.ts';
import type { Policy } from './judge.ts';
import type { UnsafeFilesMode } from './mode.ts';
import { names } from './names.ts';
import { walkerVersion } from './version.ts';
import type { FileWalk } from './walk.ts';

/** Facts of a layer's files by path; a file without any is absent. */
export type LayerFacts = Readonly<Record<string, Facts>>;

/** A model's layer and the rules for it. */
export interface Subject {
  /** Name of the model. */
  model: string;
  policy: Policy;
  /** The files of all layers, by path below /models. */
  files: ReadonlyMap<string, WantedFile>;
}

export interface GateOptions {
  /** For every file; by default `warn` for local files and `refuse` for all others. */
  mode?: UnsafeFilesMode;
  store: Pick<Store, 'walk' | 'rememberWalk'>;
  /** Version of the walk that the lock has for a layer: all its files passed without `allow:`. */
  locked(layer: Layer): number | undefined;
  /** Prints a line. */
  warn(line: string): void;
}

const found = z.strictObject({ module: z.string(), name: z.string(), offset: z.number() });
const finding = z.strictObject({
  rule: z.enum(['code', 'unread']),
  detail: z.string(),
  offset: z.number().exactOptional(),
});
const facts = z.strictObject({ imports: z.array(found), findings: z.array(finding) });
const layerFacts = z.record(z.string(), facts);

interface FileState {
  walk: FileWalk;
  /** Bytes pushed. */
  at: number;
  facts?: Facts;
}

/**
 * Walks files while they are read for another purpose, keeps what was found beside the layers' digests, and judges it.
 * Findings count only once the bytes have been verified: callers judge a layer after its digest.
 */
export class UnsafeFilesGate {
  readonly #options: GateOptions;
  readonly #walks = new WeakMap<ImageFile, FileState>();
  readonly #known = new Map<string, LayerFacts>();
  readonly #warned = new Set<string>();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Passes a file's bytes from `offset` on, and walks those that were not read before. */
  watch(file: ImageFile, offset: number, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    if (this.#options.mode === 'allow') return bytes;
    return { [Symbol.asyncIterator]: () => this.#watched(file, offset, bytes[Symbol.asyncIterator]()) };
  }

  /** No generator: another one for each chunk of a large model costs more than the walk. */
  #watched(file: ImageFile, offset: number, source: AsyncIterator<Uint8Array>): AsyncIterator<Uint8Array> {
    let state: FileState | undefined;
    let at = offset;
    return {
      next: async () => {
        state ??= await this.#stateOf(file, offset);
        const result = await source.next();
        if (result.done) return result;
        const chunk = result.value;
        const fresh = at + chunk.length - state.at;
        if (fresh > 0 && fresh <= chunk.length) {
          const taken = state.walk.push(chunk.subarray(chunk.length - fresh));
          if (taken !== undefined) await taken;
          state.at += fresh;
        }
        at += chunk.length;
        if (state.at === file.size) state.facts ??= await state.walk.end();
        return result;
      },
      return: async () => (await source.return?.()) ?? { done: true, value: undefined },
    };
  }

  async #stateOf(file: ImageFile, offset: number): Promise<FileState> {
    // From the start, the bytes may be those of another copy.
    const before = offset === 0 ? undefined : this.#walks.get(file);
    if (before !== undefined) return before;
    // Loaded here: a run that reads no file needs no parser.
    const { FileWalk } = await import('./walk.ts');
    const state = { walk: new FileWalk(file.path, file.size), at: 0 };
    this.#walks.set(file, state);
    return state;
  }

  /**
   * What is known about a layer's files: from this run, the store or the lock; undefined when its bytes were not walked.
   */
  async facts(layer: Layer): Promise<LayerFacts | undefined> {
    const known = this.#known.get(layer.key) ?? this.#walked(layer) ?? (await this.#stored(layer));
    if (known !== undefined) this.#known.set(layer.key, known);
    return known;
  }

  /** Keeps what walking a layer found, after its bytes were checked. Nothing when it was not walked completely. */
  async remember(layer: Layer): Promise<void> {
    const walked = this.#walked(layer);
    if (walked === undefined) return;
    this.#known.set(layer.key, walked);
    await this.#options.store.rememberWalk(layer.key, walkerVersion, walked);
  }

  /** Whether a layer must be read to be judged: a file of it would be refused if it ran code, and can. */
  async mustRead(layer: Layer, subject: Subject): Promise<boolean> {
    if ((await this.facts(layer)) !== undefined) return false;
    return layer.plan.files.some(
      ({ path, size }) => size > 0 && !names.isInert(path) && this.#modeOf(path, subject) === 'refuse',
    );
  }

  /** Whether the facts about a file matter: it can run code, and that is not allowed. */
  watches(path: string, size: number, subject: Subject): boolean {
    return size > 0 && !names.isInert(path) && this.#modeOf(path, subject) !== 'allow';
  }

  /** Judges the files of a layer as far as they are known. Fails with code `trust`; prints what is only reported. */
  async judge(layer: Layer, subject: Subject): Promise<void> {
    const known = (await this.facts(layer)) ?? {};
    if (Object.keys(known).length === 0) return;
    await this.judgeFiles(
      layer.plan.files.flatMap(({ path }) => {
        const one = Object.hasOwn(known, path) ? known[path] : undefined;
        return one === undefined ? [] : [[path, one] as const];
      }),
      subject,
    );
  }

  /** Judges files by the facts about each, as `judge` does. */
  async judgeFiles(files: Iterable<readonly [path: string, facts: Facts]>, subject: Subject): Promise<void> {
    const { objectionsTo } = await import('./judge.ts');
    const { unsafeFileError } = await import('./unsafe-file-error.ts');
    for (const [path, one] of files) {
      const mode = this.#modeOf(path, subject);
      if (mode === 'allow') continue;
      const objections = objectionsTo(path, one, subject.policy);
      if (objections.length === 0) continue;
      const error = unsafeFileError(subject.model, path, objections);
      if (mode === 'refuse') throw error;
      this.#warnOnce(error);
    }
  }

  /** Whether the files of a layer pass without any `allow:`, for the lock. */
  async passes(layer: Layer, framework: string): Promise<boolean> {
    const known = await this.facts(layer);
    if (known === undefined) return false;
    const { objectionsTo } = await import('./judge.ts');
    return Object.entries(known).every(([path, one]) => objectionsTo(path, one, { framework }).length === 0);
  }

  #warnOnce({ message, next }: ModelcarsError): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.warn(next === undefined ? message : `${message}; ${next}`);
  }

  #modeOf(path: string, { files }: Subject): UnsafeFilesMode {
    return this.#options.mode ?? (isLocal(files.get(path)?.uri ?? '') ? 'warn' : 'refuse');
  }

  #walked(layer: Layer): LayerFacts | undefined {
    const all: Record<string, Facts> = {};
    for (const file of layer.plan.files) {
      if (file.size === 0) continue;
      const one = this.#walks.get(file)?.facts;
      if (one === undefined) return undefined;
      if (one.imports.length + one.findings.length > 0) all[file.path] = one;
    }
    return all;
  }

  async #stored(layer: Layer): Promise<LayerFacts | undefined> {
    const stored = layerFacts.safeParse(await this.#options.store.walk(layer.key, walkerVersion));
    if (stored.success) return stored.data;
    return this.#options.locked(layer) === walkerVersion ? {} : undefined;
  }
}
