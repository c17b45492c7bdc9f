import { servedFiles } from '../catalog/resolve.ts';
import { targetPath } from '../catalog/target-path.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Trust } from '../model/trust.ts';
import type { CatalogEntry } from '../model/types.ts';
import type { Task } from '../terminal/types.ts';
import { verifyImage } from '../verify/verify.ts';
import { SignatureCheck } from './check-signatures.ts';
import { forEachModel } from './for-each-model.ts';
import { remoteTag, repositoryName } from './image-names.ts';
import { wantedFiles } from './local-files.ts';
import { type ImageAddress, openImages } from './open-images.ts';
import { Session } from './session.ts';
import type { ImageLocation, Outcome, RunOptions } from './types.ts';
import { walkImage } from './unsafe-files.ts';
import { verifyLoader } from './verify-loader.ts';

/**
 * Re-reads every byte of the models' images and checks the image contract and the lock's hashes; with `trust`, then the
 * signatures of images in registries.
 */
export async function verifyModels(
  options: RunOptions & { from: ImageLocation; trust?: Trust },
): Promise<Outcome[]> {
  const { from, trust } = options;
  // A shard without models has no layout to open.
  if (options.models.length === 0) return [];
  if ('registry' in from) for (const model of options.models) repositoryName(model);
  const signatures = trust && (await SignatureCheck.open(trust, options.signal));
  await using session = await Session.open(options);
  await using images = await openImages(await session.client(), from);
  return await forEachModel({ ...options, verb: 'verify' }, async (model, task) => {
    const outcome = await verifyImageOf(session, model, images.address(model), task);
    if (signatures === undefined) return outcome;
    const repository = (await session.client()).repository(repositoryName(model));
    const root = await repository.resolve(outcome.digest ?? remoteTag(model));
    const signed = root === undefined ? [] : await signatures.check(repository, root);
    return { ...outcome, checks: [...(outcome.checks ?? []), ...signed] };
  });
}

/** Checks one image against the image contract and the lock's hashes. */
export async function verifyImageOf(
  session: Session,
  model: CatalogEntry,
  image: ImageAddress,
  task: Task,
): Promise<Outcome> {
  if (!isModel(model)) return verifyLoader(session, model, image, task);
  const { store, reference, name } = image;
  const framework = session.framework(model);
  const locked = await session.locked.model(model);
  const wanted = wantedFiles(locked);
  await session.local.proveExisting(wanted);
  const byPath = new Map(wanted.map((file) => [targetPath(framework, file), file]));
  const walk = await walkImage(session, { model, files: byPath });
  const files = locked.files.map((file) => ({
    path: targetPath(framework, file),
    size: file.size,
    sha256: file.sha256,
  }));
  const { digest, checks } = await verifyImage(store, reference, {
    files,
    served: servedFiles(framework),
    platforms: model.platforms,
    base: await session.locked.base(model),
    baseStore: await session.bases.store(model.base),
    signal: session.options.signal,
    onBytes: (count) => task.add(count),
    openWalk: walk.openWalk,
  });
  const judged = [...checks, ...(await walk.judge())];
  return { model: model.name, status: 'done', name, digest, platforms: model.platforms, checks: judged };
}
