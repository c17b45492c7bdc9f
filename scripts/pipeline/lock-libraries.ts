import { missingLibraries } from '../artifacts/libraries/compare.ts';
import { targetPath } from '../catalog/target-path.ts';
import { stopIfAborted } from '../errors.ts';
import type { LockedModel, Model, ModelReader } from '../model/types.ts';
import { isLocal, openSource } from '../sources/index.ts';
import { list, plain } from '../text/format.ts';
import { compareBytes } from '../text/paths.ts';
import { wantedFiles } from './local-files.ts';
import type { Session } from './session.ts';

/**
 * Limits for a model that is not on this machine: bytes of a file that is looked at (a server without ranges sends it
 * from its beginning each time), bytes read of all, and requests. Where its files need more, nothing is noted.
 */
const largestRemote = 64 * 1024 ** 2;
const mostRemote = 16 * 1024 ** 2;
const mostRequests = 40;
const mostLibraries = 100;

/**
 * The versions of the libraries that made a model, as its framework reads them from the files; undefined when they name
 * none. Of a model that is not on this machine at most 16 MiB are read, of files of up to 64 MiB. Files that cannot be read are a warning: the model
 * is locked all the same.
 */
export async function librariesOf(
  session: Session,
  model: Model,
  locked: LockedModel,
): Promise<Record<string, string> | undefined> {
  const { signal, progress } = session.options;
  const read = session.framework(model).libraries;
  if (read === undefined) return undefined;
  try {
    const found = Object.entries(await read(readerOf(session, model, locked)));
    const libraries = found
      .filter(([name, version]) => /^[\w.-]{1,64}$/.test(name) && /^[\w.+*-]{1,64}$/.test(version))
      .slice(0, mostLibraries)
      .toSorted(([a], [b]) => compareBytes(a, b));
    return libraries.length === 0 ? undefined : Object.fromEntries(libraries);
  } catch (error) {
    stopIfAborted(signal);
    if (error instanceof TooMuch) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    progress.warn(`${model.name}: the versions of its libraries cannot be read: ${plain(why, 200)}`);
    return undefined;
  }
}

/**
 * Why a model may not load in its runtime's image: it was made with libraries that the image does not have. Undefined
 * when it has all, when the lock names none, and for a runtime of the user's own, whose image is not known.
 */
export function libraryWarning(
  session: Session,
  model: Model,
  { libraries = {} }: LockedModel,
): string | undefined {
  const { runtime, runtimeLibraries } = session.framework(model);
  if (runtimeLibraries === undefined || (model.serving?.runtime ?? runtime) !== runtime) return undefined;
  const missing = missingLibraries(libraries, runtimeLibraries);
  if (missing.length === 0) return undefined;
  return `${model.name}: it was made with ${list(missing, 'and')}, and ${runtime} serves it with ${runtimeLibraries.image}: it may not load; make it with the image's versions, or name another \`runtime\` in \`serving:\``;
}

/** The limit for a model that is not on this machine is reached. */
class TooMuch extends Error {}

function readerOf(session: Session, model: Model, locked: LockedModel): ModelReader {
  const { sources, options } = session;
  const framework = session.framework(model);
  const files = new Map(
    wantedFiles(locked)
      .map((file, at) => [targetPath(framework, locked.files[at] ?? file), file] as const)
      .filter(([, { uri, size }]) => isLocal(uri) || size <= largestRemote),
  );
  let left = mostRemote;
  let requests = mostRequests;
  return {
    paths: [...files.keys()].toSorted(compareBytes),
    size: (path) => files.get(path)?.size,
    async read(path, offset, length) {
      const file = files.get(path);
      if (file === undefined) return Buffer.alloc(0);
      const end = Math.min(file.size, offset + length);
      if (!isLocal(file.uri)) {
        left -= end - offset;
        requests--;
      }
      if (left < 0 || requests < 0) throw new TooMuch('limit');
      const bytes = Buffer.alloc(Math.max(0, end - offset));
      let at = 0;
      const source = openSource(file.uri, sources);
      for await (const chunk of source.open(file.uri, file.revision, file, offset, options.signal, end)) {
        bytes.set(chunk.subarray(0, bytes.length - at), at);
        at += chunk.length;
        if (at >= bytes.length) break;
      }
      return bytes.subarray(0, at);
    },
  };
}
