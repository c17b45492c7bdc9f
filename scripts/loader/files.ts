import { fileURLToPath, pathToFileURL } from 'node:url';
import { ModelcarsError } from '../errors.ts';
import type { LockedFile, LockedModel } from '../model/types.ts';
import { fileSource } from '../sources/file/source.ts';
import { revisionOf } from '../sources/revision.ts';
import type { Selection } from '../sources/types.ts';
import { plain } from '../text/format.ts';
import { compareBytes } from '../text/paths.ts';
import { productionPackages } from './packages.ts';

/** The folder that modelcars itself is in. */
const own = fileURLToPath(new URL('../..', import.meta.url));

/** The folder of the image that modelcars lies in. */
export const loaderRoot = 'app';

/** What the loader runs; arguments of the container come behind `cache`. */
export const loaderProcess = {
  entrypoint: ['node', `/${loaderRoot}/scripts/modelcars.ts`, 'cache'],
  workingDir: `/${loaderRoot}`,
};

/** Types, source maps, tests, and libraries of the runtime Bare: nothing that runs here. */
const idle = /(?:\.d\.[cm]?ts|\.map|\.test\.ts|\.bare)$/;

/**
 * modelcars as it is installed here, as the files of an image: scripts/, frameworks/ (without models), package.json and
 * the packages it needs. Not locked, since it is this very program; its revision is a hash of all of it, and the same
 * commit with the same package-lock.json gives the same. Fails with code `source` when something is not installed.
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
  // A package within a package is one of the list too.
  for (const folder of await productionPackages(root))
    all.push(await take(folder, (path) => runs(path) && !/(?:^|\/)node_modules\//.test(path)));
  const native = all.flat().find(({ path }) => path.endsWith('.node'));
  if (native !== undefined) {
    throw new ModelcarsError('bug', `plan the loader: ${plain(native.path)} is made for one platform`, {
      next: 'use a package that is plain JavaScript',
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
