import type { SentTest } from '../../model/types.ts';
import { type CaseProgress, caseProgress, server, startedEarly } from '../diagnosis/case-progress.ts';
import { diagnose, loadCause, type WrongPrediction } from '../diagnosis/diagnose.ts';
import type { Evidence } from '../diagnosis/evidence.ts';
import { firstError } from '../diagnosis/server-log.ts';
import type { InferenceService } from '../manifests/inference-service.ts';
import type { Diagnosis, SmokeCase, SmokeResult } from '../types.ts';
import { predict } from './predict.ts';
import type { ForwardedPort, ServingCluster } from './serving-cluster.ts';

export interface RunCaseOptions {
  cluster: ServingCluster;
  case: SmokeCase;
  service: InferenceService;
  smoke: SentTest;
  /** Seconds from apply to the correct prediction. */
  timeout: number;
  signal: AbortSignal;
  /** Receives the current state, in a few words. */
  note(text: string): void;
}

/** The model server's port in all of KServe's runtimes; OpenShift AI's `kserve-ovms` declares 8888. */
const usualPort = 8080;
/**
 * Milliseconds from a ready pod to the correct prediction: readiness often means only an open port. A server that
 * reports that it is still loading the model has the whole timeout.
 */
const answerPatience = 60_000;

/**
 * Runs one case: applies the InferenceService, watches its pod, requests a prediction, checks it, and deletes the
 * service. A model that does not serve is a `failed` result; an unreachable cluster or an abort is thrown.
 *
 * smoke/ turns a ServingCluster into a SmokeResult, independent of the cluster's kind and API.
 */
export async function runCase(options: RunCaseOptions): Promise<SmokeResult> {
  const { cluster, service, signal } = options;
  const start = Date.now();
  const { model, mode, security } = options.case;
  const ended = (rest: Pick<SmokeResult, 'status'> & Partial<SmokeResult>): SmokeResult => ({
    model,
    mode,
    security,
    seconds: (Date.now() - start) / 1000,
    ...rest,
  });
  try {
    const refusal = await cluster.serve(service, signal);
    if (refusal !== undefined) {
      const progress: CaseProgress = { stage: 'apply', state: 'failed', what: refusal };
      return ended({ status: 'failed', diagnosis: diagnose({ events: [], logs: {} }, progress) });
    }
    const diagnosis = await answered(options, start + options.timeout * 1000);
    if (diagnosis === undefined) return ended({ status: 'passed' });
    const unable = options.case.mode !== 'oci' && diagnosis.stage === 'apply' && isUnknownMode(diagnosis);
    return unable
      ? ended({ status: 'skipped', reason: diagnosis.cause ?? diagnosis.what })
      : ended({ status: 'failed', diagnosis });
  } finally {
    await cluster.remove(service, signal);
  }
}

/** Whether the cluster does not support the mode at all, as opposed to failing at it. */
function isUnknownMode({ what, cause = '' }: Diagnosis): boolean {
  return /not supported|volume type|Required value/i.test(what) || /image volumes|scheme/.test(cause);
}

/** Waits for the correct prediction. Undefined on success, otherwise the reason. */
async function answered(options: RunCaseOptions, deadline: number): Promise<Diagnosis | undefined> {
  const { cluster, service, signal, note } = options;
  const { name } = service.metadata;
  const since = { stage: '', at: Date.now(), ready: 0, restarts: 0 };
  let forwarded: (ForwardedPort & { pod: string }) | undefined;
  let answer: WrongPrediction | undefined;
  try {
    for (;;) {
      const seen = cluster.evidence(name);
      const progress = caseProgress(seen);
      if (progress.stage !== since.stage) Object.assign(since, { stage: progress.stage, at: Date.now() });
      note(`${progress.stage}: ${progress.what}`);
      const waited = Date.now() - since.at;
      const impatient = progress.patience !== undefined && waited > progress.patience;
      if (progress.state === 'failed' || impatient || Date.now() > deadline) {
        const late = progress.state !== 'failed' && { waited };
        const wrong = progress.stage === 'answer' && answer !== undefined && { answer };
        return diagnose(await cluster.withLogs(seen), progress, { ...wrong, ...late });
      }
      const restarts = seen.pod?.containers.find((one) => one.name === server)?.restarts ?? 0;
      if (restarts > since.restarts) {
        since.restarts = restarts;
        const crash = await crashOf(cluster, seen);
        if (crash !== undefined) return crash;
      }
      if (progress.state === 'ready' && seen.pod !== undefined) {
        since.ready ||= Date.now();
        if (forwarded?.pod !== seen.pod.name) {
          await forwarded?.[Symbol.asyncDispose]();
          const { name: pod, port = usualPort } = seen.pod;
          forwarded = { ...(await cluster.forward(pod, port)), pod };
        }
        const prediction = await predict(forwarded.url, options.smoke, name, signal);
        if (prediction.right) return undefined;
        answer = prediction;
        note(`answer: ${prediction.what}`);
        const loads = /not ready|loading|not loaded/i.test(prediction.what);
        const patience = loads ? options.timeout * 1000 : answerPatience;
        if (prediction.final || Date.now() - since.ready > patience)
          return await wrongAnswer(cluster, name, answer);
        await cluster.changed(1000, signal);
        continue;
      }
      since.ready = 0;
      await cluster.changed(
        Math.min(deadline - Date.now() + 1, (progress.patience ?? 60_000) - waited + 1),
        signal,
      );
    }
  } finally {
    await forwarded?.[Symbol.asyncDispose]();
  }
}

/**
 * Why a server crashed once, when its log shows that it will crash again: the case then ends without waiting for the
 * next restart.
 */
async function crashOf(cluster: ServingCluster, seen: Evidence): Promise<Diagnosis | undefined> {
  const evidence = await cluster.withLogs(seen);
  const log = evidence.logs[server] ?? [];
  const known = loadCause(log);
  const early = seen.pod !== undefined && startedEarly(seen.pod);
  if (known === undefined || (known.race && early)) return undefined;
  const what = `${server} ended while it loaded the model: ${firstError(log) ?? 'see its log'}`;
  return diagnose(evidence, { stage: 'load', state: 'failed', what, container: server });
}

/** The diagnosis of a wrong answer, or of a pod that failed during the request. */
async function wrongAnswer(
  cluster: ServingCluster,
  name: string,
  answer: WrongPrediction,
): Promise<Diagnosis> {
  const seen = cluster.evidence(name);
  const now = caseProgress(seen);
  const progress: CaseProgress =
    now.state === 'failed' ? now : { stage: 'answer', state: 'failed', what: now.what };
  return diagnose(await cluster.withLogs(seen), progress, progress.stage === 'answer' ? { answer } : {});
}
