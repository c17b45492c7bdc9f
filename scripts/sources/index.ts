import { ModelcarsError } from '../errors.ts';
import { plain } from '../text/format.ts';
import type { HashMemory } from './file/compare-lock.ts';
import { fileSource } from './file/source.ts';
import { httpsSource } from './https/source.ts';
import { HubSource, type HubSourceOptions } from './huggingface/source.ts';
import { s3Source } from './s3/source.ts';
import type { Source } from './types.ts';
import { schemeOf } from './uri.ts';

/** What sources need to know; one object a run, so that its sources share connections and what they learnt. */
export interface SourceOptions extends HubSourceOptions {
  /** Where relative `file:` paths start. */
  directory: string;
  /** Remembers the hashes of local files; none are remembered by default. */
  hashes?: HashMemory;
}

/** The source that reads a URI, by its scheme. A text alone is the folder where relative `file:` paths start. */
export function openSource(uri: string, options: string | SourceOptions): Source {
  const scheme = schemeOf(uri);
  if (!scheme.ok) {
    throw new ModelcarsError('source', `open ${plain(uri)}: expected ${scheme.problem.expected}`, {
      next: 'correct `source` in models.yaml',
    });
  }
  if (scheme.value === 'file')
    return typeof options === 'string' ? fileSource(options) : fileSource(options.directory, options.hashes);
  if (scheme.value === 'hf') return hubSource(options);
  if (scheme.value === 'https') return httpsSource(typeof options === 'string' ? {} : options);
  return s3Source();
}

/** Closes the connections of all sources that came with these options; requests under way fail. */
export async function closeSources(options: SourceOptions): Promise<void> {
  await hubs.get(options)?.close();
  hubs.delete(options);
}

const hubs = new WeakMap<SourceOptions, HubSource>();
const ownOptions: SourceOptions = { directory: '.' };

/** One hub source for all that comes with the same options. */
function hubSource(given: string | SourceOptions): HubSource {
  const options = typeof given === 'string' ? ownOptions : given;
  let source = hubs.get(options);
  if (source === undefined) {
    source = new HubSource(options);
    hubs.set(options, source);
  }
  return source;
}
