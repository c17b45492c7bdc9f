import { servedFiles, targetPath } from '../catalog/resolve.ts';
import type { ImageStore } from '../image/types.ts';
import { openLayout } from '../layout/open.ts';
import type { Model } from '../model/types.ts';
import type { Task } from '../terminal/types.ts';
import { verifyImage } from '../verify/verify.ts';
import { forEachModel } from './for-each-model.ts';
import { entryName, remoteTag, repositoryName } from './image-names.ts';
import { wantedFiles } from './local-files.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions } from './types.ts';
import { verifyLoader } from './verify-loader.ts';

/** Where the images to verify are. */
export type VerifyFrom = { layout: string } | { registry: true };

/** Re-reads every byte of the models' images and checks the image contract and the lock's hashes. */
export async function verifyModels(options: RunOptions & { from: VerifyFrom }): Promise<Outcome[]> {
  const { from } = options;
  // A shard with no model has built no layout to open either.
  if (options.models.length === 0) return [];
  if ('registry' in from) for (const model of options.models) repositoryName(model);
  await using session = await Session.open(options);
  if ('registry' in from) {
    return await forEachModel({ ...options, verb: 'verify' }, (model, task) => {
      const name = repositoryName(model);
      return verifyOne(session, model, session.client.repository(name), remoteTag(model), name, task);
    });
  }
  await using layout = await openLayout(from.layout);
  return await forEachModel({ ...options, verb: 'verify' }, (model, task) =>
    verifyOne(session, model, layout, entryName(model), entryName(model), task),
  );
}

async function verifyOne(
  session: Session,
  model: Model,
  store: ImageStore,
  reference: string,
  name: string,
  task: Task,
): Promise<Outcome> {
  if (model.image === 'loader') return verifyLoader(session, model, store, reference, name, task);
  const framework = session.framework(model);
  const locked = await session.locked(model);
  await session.local.proveExisting(wantedFiles(locked));
  const files = locked.files.map((file) => ({
    path: targetPath(framework, file),
    size: file.size,
    sha256: file.sha256,
  }));
  const { digest, checks } = await verifyImage(store, reference, {
    files,
    served: servedFiles(framework),
    platforms: model.platforms,
    base: await session.pins(model),
    baseStore: await session.baseStore(model),
    signal: session.options.signal,
    onBytes: (count) => task.add(count),
  });
  return { model: model.name, status: 'done', name, digest, platforms: model.platforms, checks };
}
