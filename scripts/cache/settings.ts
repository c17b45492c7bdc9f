import { ModelcarsError } from '../errors.ts';
import { checkHubUri, hubUri } from '../sources/huggingface/uri.ts';
import { s3Access } from '../sources/s3/access.ts';
import { asFolder, bucketRule, isBucketName, keyProblem } from '../sources/s3/uri.ts';
import type { CacheLocation } from './location.ts';

/** The flags of `modelcars cache`, as typed. */
export interface CacheFlags {
  modelName?: string;
  bucket?: string;
  prefix?: string;
  endpointUrl?: string;
  downloadDir?: string;
  workers?: number;
}

/** The validated settings: what to cache and where. */
export interface CacheSettings {
  /** `hf://org/name`, when --model-name or MODEL_NAME names a model. */
  uri?: string;
  /** Set when a bucket was given. */
  place?: CacheLocation;
  endpoint?: string;
  downloadDir?: string;
  workers: number;
}

const defaultPrefix = 'models/';
const defaultWorkers = 10;

/**
 * Reads the flags, falling back to the environment: MODEL_NAME, S3_BUCKET, S3_PREFIX (default `models/`),
 * S3_ENDPOINT_URL, DOWNLOAD_DIR. Fails with code `usage`, naming the invalid flag or variable.
 */
export function readCacheSettings(flags: CacheFlags, environment: NodeJS.ProcessEnv): CacheSettings {
  const pick = (value: string | undefined, flag: string, variable: string) =>
    value !== undefined
      ? { value, from: flag }
      : { value: environment[variable]?.trim() || undefined, from: variable };
  const model = pick(flags.modelName, '--model-name', 'MODEL_NAME');
  const bucket = pick(flags.bucket, '--bucket', 'S3_BUCKET');
  const prefix = pick(flags.prefix, '--prefix', 'S3_PREFIX');
  const { value: downloadDir } = pick(flags.downloadDir, '--download-dir', 'DOWNLOAD_DIR');
  const uri = model.value && hubUri(model.value);
  if (uri !== undefined && checkHubUri(uri) !== undefined) {
    throw wrong(
      model.from,
      '`org/name` or `org/name:revision`, a model on the hub',
      'meta-llama/Llama-3.2-1B',
    );
  }
  if (bucket.value !== undefined && !isBucketName(bucket.value))
    throw wrong(bucket.from, `${bucketRule}, without s3:// and prefix`, 'my-models');
  const key = prefix.value ?? defaultPrefix;
  const problem = keyProblem(key);
  if (problem !== undefined) throw wrong(prefix.from, problem, defaultPrefix);
  const { endpoint } = s3Access(environment, flags.endpointUrl);
  return {
    workers: flags.workers ?? defaultWorkers,
    ...(uri !== undefined && { uri }),
    ...(bucket.value !== undefined && { place: { bucket: bucket.value, prefix: asFolder(key) } }),
    ...(endpoint !== undefined && { endpoint }),
    ...(downloadDir !== undefined && { downloadDir }),
  };
}

/** The value is not printed: it may be a key set in the wrong variable. */
function wrong(from: string, expected: string, example: string): ModelcarsError {
  return new ModelcarsError('usage', `read ${from}: expected ${expected}`, {
    next: `set ${from} to something like ${example}`,
  });
}
