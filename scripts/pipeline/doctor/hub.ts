import pLimit from 'p-limit';
import { ModelcarsError } from '../../errors.ts';
import { isModel } from '../../model/catalog-entry.ts';
import type { Model } from '../../model/types.ts';
import { accountName, checkReadable } from '../../sources/huggingface/access.ts';
import { readHubSettings } from '../../sources/huggingface/settings.ts';
import { HubSource } from '../../sources/huggingface/source.ts';
import { plain } from '../../text/format.ts';
import { maskSecret } from '../../text/mask.ts';
import type { CheckResult, DoctorOptions, Found } from './types.ts';

/** Requests sent to the hub at the same time. */
const parallel = 4;
/** Failed models that are listed; the others are counted, so that the result fits on a screen. */
const mostListed = 5;
const retry = { tries: 1, delay: 0 };

/** The token for the hub: where it comes from, whether the hub accepts it, and whose it is. */
export async function checkHub(options: DoctorOptions): Promise<CheckResult[]> {
  const { env, offline, signal } = options;
  const settings = await readHubSettings(env);
  const { endpoint, token } = settings;
  const hub = plain(endpoint);
  if (token === undefined) {
    const message = `no token for ${hub}; public models need none`;
    return [{ check: 'hub', status: 'ok', message }];
  }
  const known = `token ${maskSecret(token.secret)} from ${plain(token.from)}`;
  if (token.withheld !== undefined) {
    const message = `${known} is not sent: ${token.withheld}`;
    return [{ check: 'hub', status: 'warn', message, next: 'set HF_ENDPOINT to an https URL' }];
  }
  if (offline) return [{ check: 'hub', status: 'ok', message: `${known}; ${hub} was not asked` }];
  const { caFile } = options.registry;
  const name = await accountName(settings, token, {
    env,
    retry,
    signal,
    ...(caFile !== undefined && { caFile }),
  });
  return [{ check: 'hub', status: 'ok', message: `${known}, account ${name} at ${hub}` }];
}

/** Whether the models of the catalog that are on the hub can be read, gated ones in particular. */
export async function checkHubModels(options: DoctorOptions, found: Found): Promise<CheckResult[]> {
  const models = (found.catalog?.models ?? [])
    .filter(isModel)
    .filter(({ source }) => source.startsWith('hf:'));
  if (models.length === 0 || options.offline) return [];
  const { env, signal } = options;
  const { caFile } = options.registry;
  const source = new HubSource({ env, retry, ...(caFile !== undefined && { caFile }) });
  try {
    const limit = pLimit(parallel);
    const results = await Promise.all(models.map((model) => limit(() => readable(model, source, signal))));
    const failed = results.filter((one) => one !== undefined);
    const rest = failed.length - mostListed;
    return [
      ...(failed.length < models.length ? [readableCount(models.length - failed.length)] : []),
      ...failed.slice(0, mostListed),
      ...(rest > 0 ? [notListed(rest)] : []),
    ];
  } finally {
    await source.close();
  }
}

async function readable(
  { name, source: uri }: Model,
  source: HubSource,
  signal: AbortSignal,
): Promise<CheckResult | undefined> {
  try {
    await checkReadable(source, uri, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof ModelcarsError) || signal.aborted) throw error;
    const { message, next } = error;
    return {
      check: 'hub-model',
      subject: name,
      status: 'fail',
      message,
      ...(next !== undefined && { next }),
    };
  }
}

function readableCount(count: number): CheckResult {
  const message = `${count} ${count === 1 ? 'model' : 'models'} of the catalog can be read`;
  return { check: 'hub-model', status: 'ok', message };
}

function notListed(count: number): CheckResult {
  return { check: 'hub-model', status: 'fail', message: `${count} more cannot be read` };
}
