import { selectionOf } from '../catalog/globs.ts';
import { ModelcarsError } from '../errors.ts';
import { isModelLayer, listedFiles } from '../image/listed-files.ts';
import { type Content, type ContentLayer, readContent } from '../sources/oci/layers.ts';
import { list, plain } from '../text/format.ts';
import { compareBytes } from '../text/paths.ts';
import type { WantedFile } from '../unpack/target.ts';
import type { Check } from '../verify/check.ts';
import { modelsRoot } from '../verify/paths.ts';
import type { NamedImage } from './named-image.ts';
import { platformImage } from './platform-image.ts';

/** Which files of an image are pulled. */
export interface PullSelection {
  /** `linux/arm64`; by default linux/amd64, or the first platform that the image has. */
  platform: string | undefined;
  /** Globs over paths below /models; empty: all. */
  include: string[];
  exclude: string[];
}

/** What is to be pulled of an image. */
export interface PullPlan {
  content: Content;
  select(path: string): boolean;
  /** The files, where all model layers list theirs. */
  listed: WantedFile[] | undefined;
  checks: Check[];
}

/**
 * Which layers of an image are read, and as far as their descriptors say, which files they have. Fails with code `usage`
 * when no file is selected, or the platform is missing.
 */
export async function planPull(opened: NamedImage, name: string, options: PullSelection): Promise<PullPlan> {
  const { store } = opened;
  const { platform } = options;
  const what = `pull ${name}`;
  const root = platform === undefined ? opened.root : await platformImage(store, opened.root, platform, what);
  const content = await readContent(store, root, name);
  const globs = { include: options.include.length > 0 ? options.include : ['**'], exclude: options.exclude };
  const select = selectionOf(globs);
  const model = content.isImage ? modelLayers(content.layers) : content.layers;
  const lists = model.map(filesOf);
  const listed = lists.every((files) => files !== undefined) ? stackLists(lists, select) : undefined;
  // A layer whose files are known is read only for one of them.
  const layers = model.filter((_, at) => lists[at]?.some(({ path }) => select(path)) ?? true);
  if (listed?.length === 0) throw nothingSelected(name, lists.flat(), options);
  const annotated = layers.filter(({ descriptor }) => listedFiles(descriptor) !== undefined).length;
  const checks: Check[] =
    annotated > 0
      ? [{ rule: 'annotations', text: 'every listed file has the SHA-256 that its layer is annotated with' }]
      : [];
  return { content: { ...content, layers }, select, listed, checks };
}

/** The layers of an image that can have model files: all, unless modelcars named its own, which are above the base. */
function modelLayers(layers: readonly ContentLayer[]): ContentLayer[] {
  const first = layers.findIndex(({ descriptor }) => isModelLayer(descriptor));
  return layers.slice(Math.max(0, first));
}

/** The files of a layer, as far as its descriptor says. */
function filesOf(layer: ContentLayer): WantedFile[] | undefined {
  const { descriptor } = layer;
  if (layer.kind === 'file')
    return [{ path: layer.path, size: descriptor.size, sha256: descriptor.digest.slice('sha256:'.length) }];
  const below = `${modelsRoot}/`;
  return listedFiles(descriptor)?.flatMap((file) =>
    file.path.startsWith(below) ? [{ ...file, path: file.path.slice(below.length) }] : [],
  );
}

function stackLists(
  lists: readonly (WantedFile[] | undefined)[],
  select: (path: string) => boolean,
): WantedFile[] {
  const files = new Map(lists.flatMap((files) => files ?? []).map((file) => [file.path, file]));
  return [...files.values()].filter(({ path }) => select(path)).sort((a, b) => compareBytes(a.path, b.path));
}

/** The bytes that each layer takes on disk: lower bounds, since a compressed layer without a list may unpack to more. */
export function spaceNeeds({ layers }: Content): { key: string; bytes: number }[] {
  return layers.map((layer) => {
    const files = filesOf(layer)?.reduce((sum, { size }) => sum + size, 0) ?? 0;
    return { key: layer.descriptor.digest, bytes: Math.max(files, layer.descriptor.size) };
  });
}

/** The error for a selection without a file. */
export function nothingSelected(
  name: string,
  files: readonly (WantedFile | undefined)[],
  { include, exclude }: PullSelection,
): ModelcarsError {
  const names = files.flatMap((file) => (file === undefined ? [] : [plain(file.path, 80)]));
  if (include.length + exclude.length === 0)
    return new ModelcarsError('source', `pull ${name}: it has no files of a model`, {
      next: 'name an image with files below /models',
    });
  const has = names.length > 0 ? `; it has ${list(names, 'and')}` : '';
  return new ModelcarsError('usage', `pull ${name}: no file matches --include and --exclude${has}`, {
    next: 'correct the globs: `*` matches within a folder, `**` everything',
  });
}
