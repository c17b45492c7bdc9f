import pLimit from 'p-limit';
import { cancelled, ModelcarsError } from '../errors.ts';
import { isModel } from '../model/catalog-entry.ts';
import { openDataHubFiles } from '../model-catalog/open-data-hub.ts';
import { siteOf } from '../model-catalog/site.ts';
import type { CatalogFormat, CatalogModel, ModelCatalog } from '../model-catalog/types.ts';
import { displayPath } from '../text/paths.ts';
import { gatherModel } from './catalog-page/gather-model.ts';
import { type WrittenSite, writeSite } from './catalog-page/write-site.ts';
import { repositoryName } from './image-names.ts';
import { openImages } from './open-images.ts';
import { Session } from './session.ts';
import type { ImageLocation, RunOptions } from './types.ts';

export interface CatalogPageOptions extends RunOptions {
  /** Where images are looked up; what a layout lacks, the lock describes. */
  from: ImageLocation;
  format: CatalogFormat;
  /** Folder to write to. */
  output: string;
  title: string;
  namespace?: string;
  pullSecrets: string[];
}

/** What was written about which models. */
export interface CatalogPages extends WrittenSite {
  models: CatalogModel[];
}

/** Models whose image and model card are read at the same time, by default. */
const parallelModels = 4;

/**
 * Writes a description of the catalog's models for people (HTML) or for the catalog service of Open Data Hub. All of it
 * is gathered before the first file is written. Fails with code `usage` without a model, or for Open Data Hub without a
 * registry; with the registry's error when it cannot be read; and with `disk` when the folder has files in the way.
 */
export async function writeCatalogPages(options: CatalogPageOptions): Promise<CatalogPages> {
  const models = options.models.filter(isModel);
  if (models.length === 0)
    throw new ModelcarsError('usage', 'write catalog: no model is selected', { next: 'name a model' });
  if (options.format === 'odh' || 'registry' in options.from)
    for (const model of models) repositoryName(model);
  await using session = await Session.open({ ...options, frozen: false, offline: true });
  const { from, title, format, output, namespace, pullSecrets } = options;
  const opening = openImages(await session.client(), from);
  await using images = 'registry' in from ? await opening : await withoutLayout(opening, from.layout);
  const { trust } = options.catalog;
  const verifier =
    'registry' in from && trust !== undefined
      ? await (await import('../trust/verification/bundle-verifier.ts')).BundleVerifier.open(trust)
      : undefined;
  const task = options.progress.task('catalog');
  const limit = pLimit(options.concurrency ?? parallelModels);
  let gathered = 0;
  try {
    const described = await Promise.all(
      models.map((model) =>
        limit(async () => {
          options.signal.throwIfAborted();
          const one = await gatherModel(session, model, {
            images,
            isRemote: 'registry' in from,
            verifier,
            pullSecrets,
            ...(namespace !== undefined && { namespace }),
          });
          task.note(`${++gathered} of ${models.length} models`);
          return one;
        }),
      ),
    );
    const catalog: ModelCatalog = { title, models: described.sort(byTitle) };
    const files = format === 'odh' ? openDataHubFiles(catalog, session.epoch) : siteOf(catalog);
    const written = await writeSite(output, files, { format, signal: options.signal });
    for (const path of written.kept)
      options.progress.warn(`${path}: not removed from ${displayPath(output)}: it was changed since`);
    task.done(`${written.files} files`);
    return { ...written, models: catalog.models };
  } catch (cause) {
    limit.clearQueue();
    const error = options.signal.aborted ? cancelled(cause) : cause;
    task.fail(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

/** A missing layout is no failure: the lock describes what would be built. */
async function withoutLayout<T>(opening: Promise<T>, layout: string): Promise<T | undefined> {
  try {
    return await opening;
  } catch (error) {
    const isMissing = error instanceof ModelcarsError && error.code === 'layout' && !(await exists(layout));
    if (isMissing) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  const { stat } = await import('node:fs/promises');
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Independent of the machine's language. */
function byTitle(one: CatalogModel, other: CatalogModel): number {
  const [a, b] = [one.title.toLowerCase(), other.title.toLowerCase()];
  return a < b ? -1 : a > b ? 1 : one.name < other.name ? -1 : 1;
}
