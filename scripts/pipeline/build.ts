import type { Sink } from '../image/types.ts';
import { Archive } from '../layout/archive.ts';
import { nameOf } from '../layout/entries.ts';
import { Layout } from '../layout/layout.ts';
import { isArchive } from '../layout/open.ts';
import type { CatalogEntry } from '../model/types.ts';
import { assemble, predict, proveFiles } from './assemble.ts';
import { checkDiskSpace } from './disk-space.ts';
import { forEachModel } from './for-each-model.ts';
import { entryName, versionOf } from './image-names.ts';
import type { ImageScans } from './image-scans.ts';
import { openScans } from './open-scans.ts';
import { planImage } from './plan-image.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions } from './types.ts';
import { refuseKnownUnsafeImage } from './unsafe-files.ts';
import { verifyModels } from './verify.ts';

export interface BuildOptions extends RunOptions {
  /** A folder, or a path that ends in `.tar`. */
  output: string;
  /** Verify the images, as `verify` does. A model whose image breaks the contract fails. */
  verify?: boolean;
}

/**
 * Builds the models into one OCI image layout. Models share blobs. A folder keeps the entries of other models;
 * unreferenced blobs are deleted.
 */
export async function buildModels(options: BuildOptions): Promise<Outcome[]> {
  const built = await buildLayout(options);
  if (options.verify !== true || options.dryRun || options.signal.aborted) return built;
  const good = new Set(built.filter(({ status }) => status !== 'failed').map(({ model }) => model));
  const models = options.models.filter(({ name }) => good.has(name));
  const verified = await verifyModels({ ...options, models, from: { layout: options.output } });
  return built.map((outcome) => {
    const check = verified.find(({ model }) => model === outcome.model);
    if (check?.status === 'failed') return check;
    return check?.checks === undefined ? outcome : { ...outcome, checks: check.checks };
  });
}

async function buildLayout(options: BuildOptions): Promise<Outcome[]> {
  await using session = await Session.open(options);
  if (options.dryRun) return await forEachModel(options, (model) => planned(session, model));
  await using scans = await openScans(session);
  const outcomes = await (isArchive(options.output) ? buildArchive : buildFolder)(session, options, scans);
  return scans?.attach(outcomes) ?? outcomes;
}

async function buildFolder(
  session: Session,
  options: BuildOptions,
  scans: ImageScans | undefined,
): Promise<Outcome[]> {
  await using layout = await Layout.create(options.output);
  const before = new Map(layout.entries.map((entry) => [nameOf(entry), entry.digest]));
  const outcomes = await buildInto(
    { session, scans },
    layout,
    options.output,
    (name, digest) => before.get(name) === digest,
  );
  await layout.collect();
  return outcomes;
}

async function buildArchive(
  session: Session,
  options: BuildOptions,
  scans: ImageScans | undefined,
): Promise<Outcome[]> {
  const archive = await Archive.create(options.output);
  try {
    const outcomes = await buildInto({ session, scans }, archive, options.output, () => false);
    const some = outcomes.some((outcome) => outcome.status !== 'failed') && !options.signal.aborted;
    await (some ? archive.close() : archive.abandon());
    return outcomes;
  } catch (error) {
    await archive.abandon();
    throw error;
  }
}

function buildInto(
  { session, scans }: { session: Session; scans: ImageScans | undefined },
  sink: Sink,
  output: string,
  hadEntry: (name: string, digest: string) => boolean,
): Promise<Outcome[]> {
  return forEachModel(session.options, async (model, task) => {
    await scans?.check(model, task);
    const plan = await planImage(session, model);
    await checkDiskSpace(session, plan, sink, output);
    const { index, size, layers, sent } = await assemble(session, plan, sink, task);
    const name = entryName(model);
    const unchanged = hadEntry(name, index.digest);
    if (!unchanged) await sink.tag(name, index.descriptor);
    const status = unchanged ? 'unchanged' : 'done';
    const tags = [{ tag: versionOf(model), current: true, moved: !unchanged }];
    return {
      tags,
      model: model.name,
      status,
      name,
      digest: index.digest,
      size,
      layers,
      platforms: model.platforms,
      sent,
    };
  });
}

/** The planned output of a build; with a digest only when every layer's digest is known. */
async function planned(session: Session, model: CatalogEntry): Promise<Outcome> {
  const plan = await planImage(session, model);
  const known = await predict(session, plan);
  await refuseKnownUnsafeImage(session, plan);
  await proveFiles(session, plan);
  return {
    model: model.name,
    status: 'planned',
    name: entryName(model),
    platforms: model.platforms,
    ...(known === undefined
      ? { size: plan.layers.reduce((sum, layer) => sum + layer.plan.size, 0), layers: plan.layers.length }
      : { digest: known.index.digest, size: known.size, layers: known.layers }),
  };
}
