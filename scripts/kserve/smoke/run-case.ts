import type { SmokeTest } from '../../model/types.ts';
import { type Api, ApiError } from '../cluster/api.ts';
import { retryApi } from '../cluster/install.ts';
import { type Forward, forward } from '../cluster/port-forward.ts';
import type { NamespaceWatch } from '../cluster/watch.ts';
import { type CaseProgress, caseProgress, server } from '../diagnosis/case-progress.ts';
import { diagnose, loadCause, type WrongPrediction } from '../diagnosis/diagnose.ts';
import type { Evidence } from '../diagnosis/evidence.ts';
import { firstError } from '../diagnosis/server-log.ts';
import type { InferenceService } from '../manifests/inference-service.ts';
import type { Diagnosis, SmokeCase, SmokeResult } from '../types.ts';
import { predict } from './predict.ts';

export interface RunCaseOptions {
  api: Api;
  watch: NamespaceWatch;
  namespace: string;
  case: SmokeCase;
  service: InferenceService;
  smoke: SmokeTest;
  /** Seconds from apply to the right answer. */
  timeout: number;
  signal: AbortSignal;
  /** What it is at now, in a few words. */
  note(text: string): void;
}

/** Port of a model server, as all of KServe's runtimes have it. */
const port = 8080;
/**
 * Milliseconds that a server has to answer right once its pod is ready: readiness is often no more than an open port. One that says that it
 * loads the model has all of the timeout.
 */
const answerPatience = 60_000;
/** Last lines of a log that are read. */
const tail = 200;
/** Milliseconds that a deleted pod has to go, so that the next finds its room. */
const farewell = 45_000;

/**
 * Serves one model in one way and judges its answer: applies the InferenceService, watches its pod, asks, and takes it away again. A
 * model that does not serve is a result; an unreachable cluster or an abort is thrown.
 */
export async function runCase(options: RunCaseOptions): Promise<SmokeResult> {
  const { api, watch, service, signal } = options;
  const start = Date.now();
  const ended = (rest: Pick<SmokeResult, 'status'> & Partial<SmokeResult>): SmokeResult => ({
    ...options.case,
    seconds: (Date.now() - start) / 1000,
    ...rest,
  });
  try {
    await retryApi(() => api.apply(service, signal), signal);
    const diagnosis = await answered(options, start + options.timeout * 1000);
    if (diagnosis === undefined) return ended({ status: 'passed' });
    const unable = options.case.mode !== 'oci' && diagnosis.stage === 'apply' && isUnknownMode(diagnosis);
    return unable
      ? ended({ status: 'skipped', reason: diagnosis.cause ?? diagnosis.what })
      : ended({ status: 'failed', diagnosis });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 0 || signal.aborted) throw error;
    const seen: CaseProgress = { stage: 'apply', state: 'failed', what: error.message };
    return ended({ status: 'failed', diagnosis: diagnose({ events: [], logs: {} }, seen) });
  } finally {
    await api.remove(service).catch(() => undefined);
    await gone(watch, service.metadata.name, signal);
  }
}

/** Whether the cluster does not know the way at all, rather than fail at it. */
function isUnknownMode({ what, cause = '' }: Diagnosis): boolean {
  return /not supported|volume type|Required value/i.test(what) || /image volumes|scheme/.test(cause);
}

/** Undefined once the answer is right, else why it is not. */
async function answered(options: RunCaseOptions, deadline: number): Promise<Diagnosis | undefined> {
  const { watch, service, signal, note } = options;
  const { name } = service.metadata;
  const since = { stage: '', at: Date.now(), ready: 0, restarts: 0 };
  let way: (Forward & { pod: string }) | undefined;
  let answer: WrongPrediction | undefined;
  try {
    for (;;) {
      const seen = look(watch, name);
      const stood = caseProgress(seen);
      if (stood.stage !== since.stage) Object.assign(since, { stage: stood.stage, at: Date.now() });
      note(`${stood.stage}: ${stood.what}`);
      const waited = Date.now() - since.at;
      const impatient = stood.patience !== undefined && waited > stood.patience;
      if (stood.state === 'failed' || impatient || Date.now() > deadline) {
        const late = stood.state !== 'failed' && { waited };
        const told = stood.stage === 'answer' && answer !== undefined && { answer };
        return diagnose(await withLogs(options, seen), stood, { ...told, ...late });
      }
      const restarts = seen.pod?.containers.find((one) => one.name === server)?.restarts ?? 0;
      if (restarts > since.restarts) {
        since.restarts = restarts;
        const crash = await crashOf(options, seen);
        if (crash !== undefined) return crash;
      }
      if (stood.state === 'ready' && seen.pod !== undefined) {
        since.ready ||= Date.now();
        if (way?.pod !== seen.pod.name) {
          await way?.[Symbol.asyncDispose]();
          way = {
            ...(await forward(options.api, options.namespace, seen.pod.name, port)),
            pod: seen.pod.name,
          };
        }
        const prediction = await predict(way.url, options.smoke, name, signal);
        if (prediction.right) return undefined;
        answer = prediction;
        note(`answer: ${prediction.what}`);
        const loads = /not ready|loading|not loaded/i.test(prediction.what);
        const patience = loads ? options.timeout * 1000 : answerPatience;
        if (prediction.final || Date.now() - since.ready > patience) {
          const now = look(watch, name);
          const stood = standingNow(now);
          return diagnose(await withLogs(options, now), stood, stood.stage === 'answer' ? { answer } : {});
        }
        await watch.changed(1000, signal);
        continue;
      }
      since.ready = 0;
      await watch.changed(
        Math.min(deadline - Date.now() + 1, (stood.patience ?? 60_000) - waited + 1),
        signal,
      );
    }
  } finally {
    await way?.[Symbol.asyncDispose]();
  }
}

/** Why a server crashed once, when its log leaves no doubt that it will again: no need to wait for that. */
async function crashOf(options: RunCaseOptions, seen: Evidence): Promise<Diagnosis | undefined> {
  const evidence = await withLogs(options, seen);
  const log = evidence.logs[server] ?? [];
  const clue = loadCause(log);
  if (clue === undefined || clue.race) return undefined;
  const what = `${server} ended while it loaded the model: ${firstError(log) ?? 'see its log'}`;
  return diagnose(evidence, { stage: 'load', state: 'failed', what, container: server });
}

/** A pod may have fallen while it was asked. */
function standingNow(seen: Evidence): CaseProgress {
  const now = caseProgress(seen);
  return now.state === 'failed' ? now : { stage: 'answer', state: 'failed', what: now.what };
}

function look(watch: NamespaceWatch, name: string): Evidence {
  const service = watch.service(name);
  const pod = watch.pod(name);
  return { events: watch.events(name), logs: {}, ...(service && { service }), ...(pod && { pod }) };
}

/** With the logs of the containers that may tell something: those that ended badly before they started again, the server, the modelcar. */
async function withLogs({ api, namespace }: RunCaseOptions, seen: Evidence): Promise<Evidence> {
  const logs: Record<string, string[]> = {};
  for (const { name, state, restarts, init } of seen.pod?.containers ?? []) {
    const began = state !== 'waiting' || restarts > 0;
    if (!began || (init && state === 'terminated' && name !== 'storage-initializer' && seen.pod?.ready))
      continue;
    const base = `/api/v1/namespaces/${namespace}/pods/${seen.pod?.name}/log?container=${name}&tailLines=${tail}`;
    const read = (query: string) =>
      api.request<string>('GET', `${base}${query}`, { text: true }).catch(() => '');
    // In a crash loop the run before this one tells why.
    const before =
      restarts > 0 && (state === 'waiting' || name === server) ? await read('&previous=true') : '';
    const text = before.trim() === '' ? await read('') : before;
    logs[name] = text.split('\n').filter((line) => line.trim() !== '');
  }
  return { ...seen, logs };
}

async function gone(watch: NamespaceWatch, name: string, signal: AbortSignal): Promise<void> {
  const until = Date.now() + farewell;
  while (watch.pod(name) !== undefined && Date.now() < until && !signal.aborted)
    await watch.changed(until - Date.now(), signal).catch(() => undefined);
}
