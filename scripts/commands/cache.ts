import type { CacheSettings } from '../cache/settings.ts';
import { isModel, sourceName } from '../model/catalog-entry.ts';
import type { CatalogEntry } from '../model/types.ts';
import type { CacheTarget } from '../pipeline/cache.ts';
import type { Outcome } from '../pipeline/types.ts';
import { caching } from './args/cache.ts';
import * as args from './args/index.ts';
import { type ArgValues, usage } from './args/option.ts';
import { defined, pick } from './args/values.ts';
import { type CommandIO, defineCommand } from './command.ts';
import { limitMemory } from './max-memory.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

const cacheArgs = {
  ...args.selection,
  models: args.modelNames('names from the catalog; all of the hub when none is given, and no --model-name'),
  ...args.caching,
  frozen: args.frozen,
  concurrency: args.concurrency,
  maxMemory: args.maxMemory,
  dryRun: args.dryRun,
  ...args.reporting,
};

/** `modelcars cache [model..]`: copies hub models into an S3 bucket, from which builds and servers can read them. */
export const cache = defineCommand({
  name: 'cache',
  describe: 'bring hub models into an S3 bucket',
  args: cacheArgs,
  examples: [
    ['cache', "the catalog's hub models into its `cache:`"],
    ['cache --model-name org/name --bucket my-models', 'one model, all of its files'],
    ['cache', 'the same in a container, by MODEL_NAME and S3_BUCKET'],
  ],
  async run({ args, io }) {
    await limitMemory(args.maxMemory, 'bucket');
    const { readCacheSettings } = await import('../cache/settings.ts');
    const settings = readCacheSettings(pick(args, caching), process.env);
    if (args.models.length > 0 && args.modelName !== undefined)
      throw usage('--model-name and names from the catalog exclude each other');
    const { uri } = settings;
    // The command line takes precedence over a variable.
    const outcomes =
      uri === undefined || args.models.length > 0
        ? await cacheCatalog(args, settings, io)
        : [await cacheOne(uri, args, settings, io)];
    const { name, size, sent } = outcomeColumns;
    return report('cache', outcomes, [name, size, sent], args, io, {});
  },
});

async function cacheOne(
  uri: string,
  args: ArgValues<typeof cacheArgs>,
  settings: CacheSettings,
  io: CommandIO,
): Promise<Outcome> {
  if (settings.place === undefined)
    throw usage('cache needs a bucket', 'set S3_BUCKET or pass --bucket NAME');
  const target = await openTarget(settings.place, settings, io);
  const { cacheHubModel } = await import('../pipeline/cache.ts');
  const { signal, progress } = io;
  return cacheHubModel(uri, { dryRun: args.dryRun, signal, progress }, target);
}

async function cacheCatalog(
  args: ArgValues<typeof cacheArgs>,
  settings: CacheSettings,
  io: CommandIO,
): Promise<Outcome[]> {
  const options = await openRun(args, io);
  const { folderOf, cacheLocation } = await import('../cache/location.ts');
  const place = settings.place ?? (options.catalog.cache && cacheLocation(options.catalog.cache));
  if (!place) {
    throw usage(
      'cache needs a bucket',
      'write `cache: s3://bucket/prefix` into models.yaml, or pass --bucket NAME',
    );
  }
  const isCached = (entry: CatalogEntry) => isModel(entry) && folderOf(place, entry.source) !== undefined;
  const other = options.models.find((model) => args.models.includes(model.name) && !isCached(model));
  if (other)
    throw usage(
      `cache ${other.name}: ${sourceName(other)} is not on a hub`,
      'name models with hf:// sources',
    );
  const models = options.models.filter(isCached);
  if (models.length === 0) io.note('nothing to cache: no model of the catalog is on a hub');
  const target = await openTarget(place, settings, io);
  const { cacheModels } = await import('../pipeline/cache.ts');
  return models.length === 0 ? [] : cacheModels({ ...options, models }, target);
}

/** The target, opened once the masker knows every credential sent to it. */
async function openTarget(
  place: CacheTarget['place'],
  { endpoint, downloadDir, workers }: CacheSettings,
  io: CommandIO,
): Promise<CacheTarget> {
  const { openCacheBucket } = await import('../cache/location.ts');
  const { connection } = await openCacheBucket(place, endpoint);
  for (const secret of await connection.secrets()) io.masker.add(secret);
  const key = await connection.accessKey();
  io.progress.log(
    `cache: s3://${place.bucket}/${place.prefix} at ${connection.host}${key ? `, with access key ${key}` : ''}`,
  );
  return { place, workers, ...defined({ endpoint, downloadDir }) };
}
