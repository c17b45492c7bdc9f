import { fileURLToPath, pathToFileURL } from 'node:url';
import { ModelcarsError } from '../errors.ts';
import type { LockedFile, LockedModel } from '../model/types.ts';
import { fileSource } from '../sources/file/source.ts';
import { revisionOf } from '../sources/revision.ts';
import type { Selection } from '../sources/types.ts';
import { plain } from '../text/format.ts';
import { compareBytes } from '../text/paths.ts';
import { productionPackages } from './packages.ts';

/** The root folder of this modelcars. */
const own = fileURLToPath(new URL('../..', import.meta.url));

/** The folder of modelcars in the image. */
export const loaderRoot = 'app';

/** The loader's process; arguments of the container follow `cache`. */
export const loaderProcess = {
  entrypoint: ['node', `/${loaderRoot}/scripts/modelcars.ts`, 'cache'],
  workingDir: `/${loaderRoot}`,
};

/** Files that Node never runs: types, source maps, tests, and libraries of the Bare runtime. */
const idle = /(?:\.d\.[cm]?ts|\.map|\.test\.ts|\.bare)$/;

/**
 * The installed modelcars as the files of an image: scripts/, frameworks/ (without models), package.json and the
 * packages it needs. Not locked, since it is the running program; its revision is a hash of all files, so the same
 * commit with the same package-lock.json gives the same revision. Fails with code `source` when something is not
 * installed.
 */
export async function loaderFiles(signal?: AbortSignal, root = own): Promise<LockedModel> {
  const source = fileSource(root);
  const runs: Selection = (path) => !idle.test(path);
  const take = async (folder: string, select: Selection): Promise<LockedFile[]> => {
    const { files } = await source.resolve(uriOf(folder), select, signal);
    return files.map((file) => ({ ...file, path: `${folder}/${file.path}` }));
  };
  const isScript: Selection = (path) => path.endsWith('.ts') && runs(path);
  const { files: manifest } = await source.resolve('file:package.json', () => true, signal);
  const all = [manifest, await take('scripts', isScript), await take('frameworks', isScript)];
  // Nested packages are listed separately.
  for (const folder of await productionPackages(root))
    all.push(await take(folder, (path) => runs(path) && !/(?:^|\/)node_modules\//.test(path)));
  const native = all.flat().find(({ path }) => path.endsWith('.node'));
  if (native !== undefined) {
    throw new ModelcarsError('bug', `plan the loader: ${plain(native.path)} is built for one platform`, {
      next: 'use a package in plain JavaScript',
    });
  }
  const files = all.flat().sort((a, b) => compareBytes(a.path, b.path));
  return {
    framework: 'loader',
    source: pathToFileURL(root).href.replace(/\/$/, ''),
    revision: revisionOf(files),
    include: [],
    exclude: [],
    files,
  };
}

function uriOf(path: string): string {
  return `file:${path.split('/').map(encodeURIComponent).join('/')}`;
}
