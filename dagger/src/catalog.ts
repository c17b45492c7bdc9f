import { type Container, type Directory, dag, type File } from '@dagger.io/dagger';
import { isExamples } from './checks.ts';
import { allOrErrors, stdoutOf, withProgramError } from './errors.ts';
import { folderOf, joinLayouts, type ModelSlice, slicesOf } from './model-slices.ts';
import {
  baseFlags,
  flags,
  modelcars,
  overrideFlags,
  type Settings,
  store,
  uncached,
  work,
} from './program.ts';

/** Some of a catalog's models, and the version of their images. */
export interface Selection {
  /** The folder of models.yaml. */
  source: Directory;
  /** Names from the catalog; all when empty. */
  models: string[];
  /** Only models of framework=NAME or name=GLOB. */
  only: string[];
  /** `v1.2.3`; the catalog's own when empty. */
  version: string;
}

/** The words of the program that choose the models. */
export function selectionWords({ models, only, version }: Selection): string[] {
  return [...models, ...flags({ only, version })];
}

/** The catalog's models as a table, which says when it is that of modelcars itself; with `matrix` as JSON. */
export async function listCatalog(settings: Settings, selection: Selection, matrix: string): Promise<string> {
  const words = [...selectionWords(selection), ...flags({ matrix })];
  const catalog = settings.connected.withDirectory(work, selection.source);
  const table = await stdoutOf(catalog.withExec(modelcars('list', ...words)));
  if (matrix || !(await isExamples(selection.source))) return table;
  return `${table}\nThese are the example models of modelcars itself; yours: list --source FOLDER\n`;
}

/** The scanner for `scanBases`. */
export interface Scanner {
  scanner: File;
  name: string;
  failOn: string;
}

/** The vulnerabilities of base images and loaders. The scanner keeps its database in a volume. */
export async function scanBases(
  { connected, connection, overrides }: Settings,
  selection: Selection,
  { scanner, name, failOn }: Scanner,
): Promise<string> {
  const options = { scanner: name, 'fail-on': failOn };
  const words = [...selectionWords(selection), ...baseFlags(overrides), ...flags(options), ...connection];
  const ready = connected
    .withDirectory(work, selection.source)
    .withFile(`/usr/local/bin/${name}`, scanner, { permissions: 0o755 })
    .withMountedCache('/root/.cache', dag.cacheVolume('modelcars-scanner'));
  return await stdoutOf(uncached(ready).withExec(modelcars('scan', ...words)));
}

/** What each selected model needs of the catalog. */
export async function slicesFor(settings: Settings, selection: Selection): Promise<ModelSlice[]> {
  const { source, models, only } = selection;
  const words = [...models, ...flags({ only }), ...baseFlags(settings.overrides)];
  return await slicesOf(settings.program, source, words);
}

/**
 * One OCI image layout with the selected models, and `summary.txt`. Models are built at the same time, each in steps that no other model
 * changes.
 */
export async function buildLayout(settings: Settings, selection: Selection): Promise<Directory> {
  const slices = await slicesFor(settings, selection);
  const layouts = await allOrErrors(
    slices.map((slice) => ({
      model: slice.name,
      run: () => layoutOf(settings, slice, selection).sync(),
    })),
  );
  const all = await joinLayouts(layouts);
  const summaries = await Promise.all(layouts.map((layout) => layout.file('summary.txt').contents()));
  return all.withNewFile('summary.txt', joinTables(summaries));
}

/** One model on one platform, as a container. */
export async function buildContainer(
  settings: Settings,
  selection: Selection,
  platform: string,
): Promise<Container> {
  const own: Settings = { ...settings, overrides: { ...settings.overrides, platforms: [platform] } };
  const [slice] = await slicesFor(own, selection);
  if (slice === undefined) throw new Error(`no model ${selection.models[0]}\nnext: dagger call list`);
  const layout = await withProgramError(() => layoutOf(own, slice, selection).sync());
  return dag.container({ platform: platform as never }).import_(archiveOf(layout, settings.imageRefs.node));
}

/** Builds the selected models and checks them against the image contract. */
export async function verifyBuilt(settings: Settings, selection: Selection): Promise<string> {
  const layout = await buildLayout(settings, selection);
  const words = [...selectionWords(selection), ...baseFlags(settings.overrides)];
  return await stdoutOf(
    settings.connected
      .withDirectory(work, selection.source)
      .withMountedDirectory('/layout', layout)
      .withExec(modelcars('verify', ...words, '--layout', '/layout')),
  );
}

/** The image of the program itself on a base with Node, built as any model is: of a catalog with `image: loader`. */
export async function buildLoader({ connected, connection }: Settings, base: string): Promise<Container> {
  const catalog = JSON.stringify({
    models: [{ name: 'model-loader', image: 'loader', base, version: 'v0.0.0' }],
  });
  const platform = await dag.defaultPlatform();
  const target = ['--platform', String(platform), '--output', '/image.tar'];
  const built = connected
    .withDirectory(work, dag.directory().withNewFile('models.yaml', catalog))
    .withExec(modelcars('build', ...connection, '--no-frozen', ...target));
  return dag.container({ platform }).import_((await withProgramError(() => built.sync())).file('/image.tar'));
}

/** A layout as the archive that an engine imports; the image is any with tar. */
export function archiveOf(layout: Directory, image: string): File {
  return dag
    .container()
    .from(image)
    .withMountedDirectory('/layout', layout)
    .withExec(['tar', '-C', '/layout', '-cf', '/image.tar', 'oci-layout', 'index.json', 'blobs'])
    .file('/image.tar');
}

/** One model's layout, in steps that only this model and its base change. */
function layoutOf(settings: Settings, slice: ModelSlice, { source, version }: Selection): Directory {
  const { connected, connection, overrides } = settings;
  const words = [slice.name, ...flags({ version }), ...overrideFlags(overrides), ...connection];
  const ready = connected.withDirectory(work, folderOf(slice, source));
  const based =
    slice.base === undefined
      ? ready
      : ready.withMountedDirectory(`${store}/blobs`, baseBlobs(settings, slice.base));
  return based
    .withExec(modelcars('build', ...words, '--output', '/layout'), { redirectStdout: '/summary.txt' })
    .withExec(['mv', '/summary.txt', '/layout/summary.txt'])
    .directory('/layout');
}

/** A base image's blobs, pulled by the lock's digests in a step of its own. */
function baseBlobs({ connected, connection }: Settings, base: NonNullable<ModelSlice['base']>): Directory {
  const catalog = dag.directory().withNewFile('models.yaml', base.catalog);
  const folder = base.lock === undefined ? catalog : catalog.withNewFile('models.lock.yaml', base.lock);
  return connected
    .withDirectory(work, folder)
    .withEnvVariable('MODELCARS_STORE', '/bases')
    .withExec(modelcars('bases', ...connection))
    .directory('/bases/blobs');
}

/** One table of many: the heading of the first and every row, in columns as wide as they need. */
function joinTables(tables: string[]): string {
  const rows = tables.map((table) =>
    table
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/)),
  );
  const all = [...(rows[0]?.slice(0, 1) ?? []), ...rows.flatMap((lines) => lines.slice(1))];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
