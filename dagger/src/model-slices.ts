import { type Container, type Directory, dag } from '@dagger.io/dagger';
import { stdoutOf } from './errors.ts';
import { modelcars, work } from './program.ts';

/** One model's part of a catalog, as `modelcars split` prints it. */
export interface ModelSlice {
  name: string;
  catalog: string;
  lock?: string;
  files: string[];
  base?: { catalog: string; lock?: string };
}

/** A slice for each model that the words of `modelcars split` choose, with what that model needs of the catalog and nothing else. */
export async function slicesOf(
  program: Container,
  source: Directory,
  words: string[],
): Promise<ModelSlice[]> {
  const text = await stdoutOf(program.withDirectory(work, source).withExec(modelcars('split', ...words)));
  return (JSON.parse(text) as { models: ModelSlice[] }).models;
}

/**
 * The folder that a model is built from. Its files are chosen by `filter`, whose result the engine knows by content:
 * when only other models changed, it is the same as before and everything made from it comes from the cache.
 */
export function folderOf(slice: ModelSlice, source: Directory): Directory {
  const catalog = dag
    .directory()
    .withDirectory('/', source.filter({ include: slice.files }))
    .withNewFile('models.yaml', slice.catalog);
  return slice.lock === undefined ? catalog : catalog.withNewFile('models.lock.yaml', slice.lock);
}

/** The catalog with the files of some models, and nothing else of its folder: another change there runs nothing again. */
export function catalogOf(slices: ModelSlice[], source: Directory): Directory {
  const files = new Set(slices.flatMap((slice) => slice.files));
  return source.filter({ include: ['models.yaml', 'models.lock.yaml', ...files] });
}

/** The annotation with the name of an image in a layout's index: OCI image specification, annotations. */
export const refName = 'org.opencontainers.image.ref.name';

/** One layout of several: all blobs, and one index with the entries of all, by name: the bytes that one build would write. */
export async function joinLayouts(layouts: Directory[]): Promise<Directory> {
  const indexes = await Promise.all(layouts.map((layout) => layout.file('index.json').contents()));
  type Entry = { annotations?: Record<string, string> };
  const nameOf = (entry: Entry) => entry.annotations?.[refName] ?? '';
  const entries = indexes
    .flatMap((text) => (JSON.parse(text) as { manifests: Entry[] }).manifests)
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const [first] = indexes;
  const index = { ...JSON.parse(first ?? '{"schemaVersion":2}'), manifests: entries };
  return layouts
    .reduce(
      (all, layout) => all.withDirectory('blobs', layout.directory('blobs')),
      dag.directory().withNewFile('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
    )
    .withNewFile('index.json', `${JSON.stringify(index, undefined, 2)}\n`);
}
