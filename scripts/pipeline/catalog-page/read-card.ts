import { createHash } from 'node:crypto';
import { targetPath } from '../../catalog/target-path.ts';
import { ModelcarsError } from '../../errors.ts';
import { openImageFiles } from '../../kserve/image-files/image-files.ts';
import type { LockedFile, LockedModel, Model } from '../../model/types.ts';
import { mostCardBytes } from '../../model-catalog/card.ts';
import { formatBytes } from '../../text/bytes.ts';
import { wantedFiles } from '../local-files.ts';
import type { Session } from '../session.ts';
import type { FoundFacts } from './find-image.ts';

/** A README.md; without text when the model has none, or when it cannot be read. */
export interface Readme {
  text?: string;
  isAbsent: boolean;
}

/**
 * The README.md of a locked model: from its image, which has it in a small layer, otherwise from the store or the source.
 * Only bytes with the lock's SHA-256 are returned. A card that cannot be read is a warning.
 */
export async function readCard(
  session: Session,
  model: Model,
  locked: LockedModel,
  found: FoundFacts | undefined,
): Promise<Readme> {
  const card = cardFile(session, model, locked);
  if (card === undefined) return { isAbsent: true };
  const { file, path } = card;
  const warn = (why: string): Readme => {
    session.options.progress.warn(`${model.name}: its model card is left out: ${why}`);
    return { isAbsent: false };
  };
  if (file.size > mostCardBytes)
    return warn(`it has ${formatBytes(file.size)}, at most ${formatBytes(mostCardBytes)} are read`);
  const inImage = found && (await fromImage(session, found, path, file));
  try {
    const bytes = inImage ?? (await fromSource(session, locked, file, path));
    return { text: bytes.toString('utf8'), isAbsent: false };
  } catch (error) {
    if (session.options.signal.aborted) throw error;
    if (!(error instanceof ModelcarsError)) throw error;
    return warn(error.message);
  }
}

/** Undefined when the image has another README.md, or none that can be read. */
async function fromImage(
  session: Session,
  { store, root }: FoundFacts,
  path: string,
  file: LockedFile,
): Promise<Buffer | undefined> {
  const { signal } = session.options;
  try {
    await using files = await openImageFiles(store, root, signal);
    if (files.size(path) !== file.size) return undefined;
    const bytes = Buffer.from(await files.read(path, 0, file.size));
    return isLocked(bytes, file) ? bytes : undefined;
  } catch (error) {
    if (error instanceof ModelcarsError && error.code === 'integrity') return undefined;
    throw error;
  }
}

async function fromSource(
  session: Session,
  locked: LockedModel,
  file: LockedFile,
  path: string,
): Promise<Buffer> {
  const wanted = wantedFiles(locked).find((one) => one.path === file.path && one.source === file.source);
  if (wanted === undefined) throw new ModelcarsError('bug', `read ${path}: the lock has no such file`);
  const image = { path, size: file.size, sha256: file.sha256 };
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of session.files.open(image, wanted, 0, session.options.signal)) {
    size += chunk.length;
    if (size > file.size) break;
    // A stream reuses its buffers.
    chunks.push(Buffer.from(chunk));
  }
  const bytes = Buffer.concat(chunks);
  if (isLocked(bytes, file)) return bytes;
  throw new ModelcarsError('integrity', `${file.path} is not the locked one`, {
    next: 'run `modelcars lock` if the change is meant',
  });
}

function isLocked(bytes: Uint8Array, { size, sha256 }: LockedFile): boolean {
  return bytes.length === size && createHash('sha256').update(bytes).digest('hex') === sha256;
}

/** The entry of a README.md at the root of /models in the lock, and its path there. */
function cardFile(session: Session, model: Model, locked: LockedModel) {
  const framework = session.framework(model);
  return locked.files
    .map((file) => ({ file, path: targetPath(framework, file) }))
    .find(({ path }) => path.toLowerCase() === 'readme.md');
}
