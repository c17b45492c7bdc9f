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
  try {
    const access = { env, retry, signal, ...(caFile !== undefined && { caFile }) };
    const name = await accountName(settings, token, access);
    return [{ check: 'hub', status: 'ok', message: `${known}, account ${name} at ${hub}` }];
  } catch (error) {
    if (!(error instanceof ModelcarsError) || signal.aborted) throw error;
    return [{ check: 'hub', status: 'fail', message: `${known}: ${error.message}`, ...nextOf(error) }];
  }
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
    return summary(
      results.filter((one) => one !== undefined),
      models.length,
    );
  } finally {
    await source.close();
  }
}

interface Unreadable {
  model: string;
  error: ModelcarsError;
}

async function readable(
  { name, source: uri }: Model,
  source: HubSource,
  signal: AbortSignal,
): Promise<Unreadable | undefined> {
  try {
    await checkReadable(source, uri, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof ModelcarsError) || signal.aborted) throw error;
    return { model: name, error };
  }
}

/** The number of readable models, and a result for each that is not, or one for all when the hub cannot be reached. */
function summary(failed: Unreadable[], count: number): CheckResult[] {
  const check = 'hub-model';
  const [first] = failed;
  if (first !== undefined && failed.length === count && failed.every(({ error }) => error.code === 'network'))
    return [{ check, status: 'fail', message: first.error.message, ...nextOf(first.error) }];
  const models = (number: number) => `${number} ${number === 1 ? 'model' : 'models'}`;
  const message = `${models(count - failed.length)} of the catalog can be read`;
  const rest = failed.length - mostListed;
  return [
    ...(failed.length < count ? [{ check, status: 'ok', message } as const] : []),
    ...failed.slice(0, mostListed).map(
      ({ model, error }): CheckResult => ({
        check,
        subject: model,
        status: 'fail',
        message: error.message,
        ...nextOf(error),
      }),
    ),
    ...(rest > 0 ? [{ check, status: 'fail', message: `${models(rest)} more cannot be read` } as const] : []),
  ];
}

function nextOf({ next }: ModelcarsError): { next?: string } {
  return next === undefined ? {} : { next };
}
