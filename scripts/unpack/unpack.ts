import pLimit from 'p-limit';
import { ModelcarsError, stopIfAborted } from '../errors.ts';
import { listedFiles } from '../image/listed-files.ts';
import type { Digest, ImageStore } from '../image/types.ts';
import { checkPaths } from '../sources/objects/check-paths.ts';
import type { Content, ContentLayer } from '../sources/oci/layers.ts';
import { limits, type OciFile, stackFiles } from '../sources/oci/listing.ts';
import type { TarMember } from '../sources/oci/tar.ts';
import { plain } from '../text/format.ts';
import { modelsRoot } from '../verify/paths.ts';
import { type StagedFile, type StagedLayer, stageLayer } from './stage-layer.ts';

export interface UnpackOptions {
  /** "quay.io/me/iris:v1.2.3", for errors. */
  where: string;
  /** Which files are wanted, by their path below /models. */
  select(path: string): boolean;
  /** The folder of a layer, beside the target. */
  folder(digest: Digest): string;
  /** Layers read at the same time; 4 by default. */
  concurrency?: number;
  signal: AbortSignal;
  onBytes(count: number, fromDisk: boolean): void;
}

/** A file of the model, on disk and verified. */
export interface UnpackedFile extends StagedFile {
  /** Path below /models. */
  name: string;
}

const parallelLayers = 4;

/**
 * Reads the layers of an image or artifact, several at once and each one once, and returns its selected files: stacked,
 * with whiteouts applied and links to files followed. Each layer is checked against its digest, each file that a layer's
 * annotation lists against that. Fails with code `integrity`, `source` (paths that clash or lead elsewhere), `limit` or
 * `disk`.
 */
export async function unpackContent(
  store: Pick<ImageStore, 'open'>,
  content: Content,
  options: UnpackOptions,
): Promise<UnpackedFile[]> {
  const isWanted = (path: string) => {
    const below = content.isImage ? belowModels(path) : path;
    return below !== undefined && options.select(below);
  };
  const staged = await stageAll(store, content.layers, options, (_layer, { path }) => isWanted(path));
  const found = await filesOf(content, staged, options);
  const missing = found.filter((file) => stagedFile(staged, file) === undefined);
  // Links led to files outside /models, or there is no /models: which files these are was known only at the end.
  if (missing.length > 0) {
    const more = Map.groupBy(missing, ({ layer }) => layer.descriptor.digest);
    const layers = content.layers.filter(({ descriptor }) => more.has(descriptor.digest));
    const offsets = new Map(
      [...more].map(([digest, files]) => [digest, new Set(files.map(({ member }) => member?.offset))]),
    );
    const again = await stageAll(
      store,
      layers,
      options,
      ({ descriptor }, { path, offset }) =>
        isWanted(path) || offsets.get(descriptor.digest)?.has(offset) === true,
    );
    for (const [digest, layer] of again) staged.set(digest, layer);
  }
  return found.map((file) => {
    const bytes = stagedFile(staged, file);
    if (bytes === undefined)
      throw new ModelcarsError('integrity', `pull ${options.where}: ${plain(file.path)} is in no layer`);
    return { ...bytes, name: file.path };
  });
}

type Staged = Map<Digest, StagedLayer>;

async function stageAll(
  store: Pick<ImageStore, 'open'>,
  layers: readonly ContentLayer[],
  options: UnpackOptions,
  wanted: (layer: ContentLayer, member: TarMember) => boolean,
): Promise<Staged> {
  const { where, folder, concurrency = parallelLayers, onBytes } = options;
  const limit = pLimit(concurrency);
  const budget = { ...limits };
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const staged: Staged = new Map();
  // A layer may be listed twice; its folder is written once.
  const distinct = [...new Map(layers.map((layer) => [layer.descriptor.digest, layer])).values()];
  const results = await Promise.allSettled(
    distinct.map((layer) =>
      limit(async () => {
        const { digest } = layer.descriptor;
        const list = new ListCheck(layer, where);
        try {
          const result = await stageLayer(store, layer, {
            what: `pull ${where}`,
            folder: folder(digest),
            wanted: (member) => wanted(layer, member),
            check: (member, sha256) => list.check(member, sha256),
            budget,
            signal,
            onBytes,
          });
          list.checkMembers(result.members);
          staged.set(digest, result);
        } catch (error) {
          // The others need not go on; what they have stays for the next run.
          if (!failed.signal.aborted) failed.abort(error);
          throw error;
        }
      }),
    ),
  );
  stopIfAborted(options.signal);
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return staged;
}

async function filesOf(content: Content, staged: Staged, options: UnpackOptions): Promise<OciFile[]> {
  const { where, select } = options;
  const membersOf = async (layer: ContentLayer) => staged.get(layer.descriptor.digest)?.members ?? [];
  const files = await stackFiles(content, membersOf, where, { strict: true });
  const selected = files.filter(({ path }) => select(path));
  checkPaths(
    where,
    selected.map(({ path }) => path),
    'ask its author for an image with other names; --exclude leaves files out',
  );
  return selected;
}

function stagedFile(staged: Staged, { layer, member }: OciFile): StagedFile | undefined {
  return staged.get(layer.descriptor.digest)?.files.get(member?.offset ?? 0);
}

function belowModels(path: string): string | undefined {
  return path.startsWith(`${modelsRoot}/`) ? path.slice(modelsRoot.length + 1) : undefined;
}

/** Compares a layer with the files that its annotation lists. */
class ListCheck {
  readonly #where: string;
  readonly #listed: Map<string, { size: number; sha256: string }> | undefined;

  constructor({ descriptor }: ContentLayer, where: string) {
    this.#where = where;
    const list = listedFiles(descriptor);
    this.#listed = list && new Map(list.map((file) => [file.path, file]));
  }

  check({ path, size }: TarMember, sha256: string): void {
    if (this.#listed === undefined) return;
    const listed = this.#listed.get(path);
    if (listed === undefined) throw this.#differs(path, 'the annotation of its layer does not list it');
    if (listed.size === size && listed.sha256 === sha256) return;
    throw this.#differs(
      path,
      `it has ${size} bytes and SHA-256 ${sha256}, the annotation of its layer ${listed.size} and ${listed.sha256}`,
    );
  }

  checkMembers(members: readonly TarMember[]): void {
    if (members.length === 0) return;
    const paths = new Set(members.map(({ path }) => path));
    for (const path of this.#listed?.keys() ?? [])
      if (!paths.has(path))
        throw this.#differs(path, 'the annotation of a layer lists it, and the layer lacks it');
  }

  #differs(path: string, problem: string): ModelcarsError {
    return new ModelcarsError('integrity', `pull ${this.#where}: ${plain(path)}: ${problem}`, {
      next: 'do not use this image; build and push it again',
    });
  }
}
