import { count, groups, text } from './option.ts';

const group = groups.transport;

/** What `cache` copies and where, as typed, under the names of `CacheFlags`. */
export const caching = {
  modelName: text('model-name', {
    describe: 'a model on the hub: org/name[:revision] ($MODEL_NAME)',
    group: groups.select,
  }),
  bucket: text('bucket', { describe: 'the S3 bucket of the cache ($S3_BUCKET)', group }),
  prefix: text('prefix', { describe: 'where models lie in it ($S3_PREFIX; default models/)', group }),
  endpointUrl: text('endpoint-url', {
    describe: 'an S3 server that is not Amazon ($S3_ENDPOINT_URL)',
    group,
  }),
  downloadDir: text('download-dir', {
    describe: 'a folder that keeps downloads, so that they are resumed ($DOWNLOAD_DIR)',
    group,
  }),
  workers: count('workers', { describe: 'files and parts sent at a time (default 10)', group }),
};
