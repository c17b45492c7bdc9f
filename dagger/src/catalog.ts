import { type Container, type Directory, dag, type File } from '@dagger.io/dagger';
import { folderOf, type ModelSlice } from './model-slices.ts';
import { flags, modelcars, store } from './program.ts';

/** How a model is built: the program in a folder, what overrides the catalog, and flags for the way to sources and registries. */
export interface Building {
  at(folder: Directory): Container;
  overrides: Record<string, string | string[]>;
  mirrors: string[];
  access: string[];
}

/** One model's layout: a chain of its own, which nothing but this model and its base can change. */
export function layoutOf(
  slice: ModelSlice,
  source: Directory,
  { at, overrides, mirrors, access }: Building,
): Directory {
  const words = flags({ ...overrides, mirror: mirrors });
  const ready = at(folderOf(slice, source));
  const based =
    slice.base === undefined
      ? ready
      : ready.withMountedDirectory(`${store}/blobs`, basesOf(slice.base, { at, access }));
  return based
    .withExec(modelcars('build', slice.name, ...words, ...access, '--output', '/layout'), {
      redirectStdout: '/summary.txt',
    })
    .withExec(['mv', '/summary.txt', '/layout/summary.txt'])
    .directory('/layout');
}

/** A base image's blobs, pulled by the lock's digests in a step of its own. */
function basesOf(
  base: NonNullable<ModelSlice['base']>,
  { at, access }: Pick<Building, 'at' | 'access'>,
): Directory {
  const catalog = dag.directory().withNewFile('models.yaml', base.catalog);
  const folder = base.lock === undefined ? catalog : catalog.withNewFile('models.lock.yaml', base.lock);
  return at(folder)
    .withEnvVariable('MODELCARS_STORE', '/bases')
    .withExec(modelcars('bases', ...access))
    .directory('/bases/blobs');
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

/** One table of many: the heading of the first and every row, in columns as wide as they need. */
export function tableOf(tables: string[]): string {
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
