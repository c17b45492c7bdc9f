import type { CacheSettings } from '../cache/settings.ts';
import { isModel, sourceName } from '../model/catalog-entry.ts';
import type { CatalogEntry } from '../model/types.ts';
import type { CacheTarget } from '../pipeline/cache.ts';
import type { Outcome } from '../pipeline/types.ts';
import { defined, type Flags, optionSets, usage } from './args/build.ts';
import type { Command, Context } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars cache [model..]`: hub models into an S3 bucket, for builds and servers to read from there. */
export const cache: Command = {
  name: 'cache',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all of the hub when none is given, and no --model-name',
  },
  describe: 'bring hub models into an S3 bucket',
  options: [
    ...optionSets.models,
    'model-name',
    'bucket',
    'prefix',
    'endpoint-url',
    'download-dir',
    'workers',
    'frozen',
    'no-frozen',
    'concurrency',
    'dry-run',
    ...optionSets.output,
  ],
  examples: [
    ['cache', "the catalog's hub models into its `cache:`"],
    ['cache --model-name org/name --bucket my-models', 'one model, all of its files'],
    ['cache', 'the same in a container, by MODEL_NAME and S3_BUCKET'],
  ],
  async run(flags, context) {
    const { readCacheSettings } = await import('../cache/settings.ts');
    const settings = readCacheSettings(flags.cache, process.env);
    if (flags.models.length > 0 && flags.cache.modelName !== undefined)
      throw usage('--model-name and names from the catalog exclude each other');
    const { uri } = settings;
    // Words on the command line are nearer than a variable.
    const outcomes =
      uri === undefined || flags.models.length > 0
        ? await cacheCatalog(flags, settings, context)
        : [await cacheOne(uri, flags, settings, context)];
    const { name, size, sent } = outcomeColumns;
    return report('cache', outcomes, [name, size, sent], flags, context);
  },
};

async function cacheOne(
  uri: string,
  flags: Flags,
  settings: CacheSettings,
  context: Context,
): Promise<Outcome> {
  if (settings.place === undefined) throw usage('cache needs a bucket', 'set S3_BUCKET or say --bucket NAME');
  const target = await openTarget(settings.place, settings, context);
  const { cacheHubModel } = await import('../pipeline/cache.ts');
  const { signal, progress } = context;
  return cacheHubModel(uri, { dryRun: flags.dryRun, signal, progress }, target);
}

async function cacheCatalog(flags: Flags, settings: CacheSettings, context: Context): Promise<Outcome[]> {
  const options = await openRun(flags, context);
  const { folderOf, cacheLocation } = await import('../cache/location.ts');
  const place = settings.place ?? (options.catalog.cache && cacheLocation(options.catalog.cache));
  if (!place) {
    throw usage(
      'cache needs a bucket',
      'write `cache: s3://bucket/prefix` into models.yaml, or say --bucket NAME',
    );
  }
  const isCached = (entry: CatalogEntry) => isModel(entry) && folderOf(place, entry.source) !== undefined;
  const other = options.models.find((model) => flags.models.includes(model.name) && !isCached(model));
  if (other)
    throw usage(
      `cache ${other.name}: ${sourceName(other)} is not on a hub`,
      'name models with hf:// sources',
    );
  const models = options.models.filter(isCached);
  if (models.length === 0) context.tell('nothing to cache: no model of the catalog is on a hub');
  const target = await openTarget(place, settings, context);
  const { cacheModels } = await import('../pipeline/cache.ts');
  return models.length === 0 ? [] : cacheModels({ ...options, models }, target);
}

/** The target, once the masker knows every credential that goes there. */
async function openTarget(
  place: CacheTarget['place'],
  { endpoint, downloadDir, workers }: CacheSettings,
  context: Context,
): Promise<CacheTarget> {
  const { openCacheBucket } = await import('../cache/location.ts');
  const { connection } = await openCacheBucket(place, endpoint);
  for (const secret of await connection.secrets()) context.masker.add(secret);
  const key = await connection.accessKey();
  context.progress.log(
    `cache: s3://${place.bucket}/${place.prefix} at ${connection.host}${key ? `, with access key ${key}` : ''}`,
  );
  return { place, workers, ...defined({ endpoint, downloadDir }) };
}
