import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ModelcarsError } from '../errors.ts';
import type { LockedFile, LockedModel } from '../model/types.ts';
import { isBuilt, packageFile } from '../package.ts';
import { revisionOf } from '../sources/revision.ts';
import { compareBytes } from '../text/paths.ts';

/** The folder of modelcars in the image. */
export const loaderRoot = 'app';

/** The executable in it, `modelcars` for shells and scripts. */
export const loaderExecutable = 'dist/bin/modelcars';

/** The image's process; the arguments of the container are a command of modelcars and its options. */
export const loaderProcess = {
  entrypoint: ['node', `/${loaderRoot}/dist/modelcars.js`],
  workingDir: `/${loaderRoot}`,
  programs: `/${loaderRoot}/dist/bin`,
};

/** The next step for a base without Node. */
export const nodeBase = 'give the loader a base with Node 24, such as docker.io/library/node:24-slim';

/** The parts of the package that the program reads at run time. */
const parts = [
  'LICENSE',
  'base/layout',
  'ci',
  'dist',
  'models.schema.json',
  'package.json',
  'scripts/kserve/local/server/mlserver-catboost.requirements.txt',
  'scripts/kserve/local/server/mlserver.requirements.txt',
];

/**
 * The program as the files of an image: the same files of the published package and of a checkout that was built, so
 * both give the same image. Not locked, since it is the running program; the revision is a hash of all files. Fails with
 * code `source` in a checkout whose dist/ is missing or older than scripts/.
 */
export async function loaderFiles(signal?: AbortSignal, root = packageFile('')): Promise<LockedModel> {
  if (!isBuilt) await checkBuilt(root);
  const { fileSource } = await import('../sources/file/source.ts');
  const source = fileSource(root);
  const files: LockedFile[] = [];
  for (const part of parts) {
    const found = await source.resolve(uriOf(part), (path) => !path.endsWith('.d.ts'), signal);
    const isFolder = (await stat(join(root, part))).isDirectory();
    files.push(
      ...found.files.map((file) =>
        isFolder ? { ...file, path: `${part}/${file.path}` } : { ...file, path: part },
      ),
    );
  }
  files.sort((a, b) => compareBytes(a.path, b.path));
  return {
    framework: 'loader',
    source: pathToFileURL(root).href.replace(/\/$/, ''),
    revision: revisionOf(files),
    include: [],
    exclude: [],
    files,
  };
}

/** In a checkout the program runs from scripts/, and dist/ can be missing or that of an earlier commit. */
async function checkBuilt(root: string): Promise<void> {
  const fail = (why: string) =>
    new ModelcarsError('source', `plan the image of modelcars: ${why}`, {
      next: 'run `npm run build` in the checkout of modelcars',
    });
  const built = await stat(join(root, loaderExecutable)).catch(() => undefined);
  if (built === undefined) throw fail('dist/ is missing');
  for (const folder of ['scripts', 'frameworks']) {
    for (const path of await readdir(join(root, folder), { recursive: true })) {
      if (!path.endsWith('.ts') || path.endsWith('.test.ts')) continue;
      const { mtimeMs } = await stat(join(root, folder, path));
      if (mtimeMs > built.mtimeMs) throw fail(`dist/ is older than ${folder}/${path}`);
    }
  }
}

function uriOf(path: string): string {
  return `file:${path.split('/').map(encodeURIComponent).join('/')}`;
}
