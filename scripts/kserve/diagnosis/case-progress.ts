import type { Stage } from '../types.ts';
import type { ContainerView, Evidence, PodView } from './evidence.ts';

/** Containers of a predictor's pod, as KServe names them. */
export const server = 'kserve-container';
export const modelcar = 'modelcar';
/** Init containers that read the model's image first: for `oci://` and for `oci+fetch://`. */
const modelcarInit = 'modelcar-init';
const storageInitializer = 'storage-initializer';

/** The stage that a model has reached, and whether it has permanently failed at that stage. */
export interface CaseProgress {
  stage: Stage;
  /** `failed`: waiting longer will not help. `patience`: milliseconds after which this becomes a failure. */
  state: 'waiting' | 'failed' | 'ready';
  /** The problem, or what the case is waiting for, in a few words. */
  what: string;
  container?: string;
  patience?: number;
}

/** Registry errors that retries do not change. */
const finalPull =
  /\b(401|403|404)\b|unauthori[sz]ed|denied|forbidden|authentication required|not found|manifest unknown|no match for platform|invalid reference|InvalidImageName|x509|HTTP response to HTTPS|no such host/i;
/** Rejections by KServe and the API server that retries do not change. */
const finalRefusal =
  /not supported|no(t)? runtime|NoSupportingRuntime|RuntimeNotRecognized|RuntimeDisabled|InvalidPredictorSpec|must specify a volume type|admission webhook .* denied|is forbidden|exceeded quota|violates PodSecurity|Invalid value|Required value/i;

/**
 * Derives the progress from the evidence. Transient problems (an unresponsive registry, a lost race for an object)
 * count as waiting, with patience.
 */
export function caseProgress({ service, pod, events }: Evidence): CaseProgress {
  if (pod === undefined) {
    const failure = service?.failure;
    const warnings = events.filter(({ warning }) => warning);
    const refusal = [
      ...(failure ? [`${failure.reason ?? ''}: ${failure.message ?? ''}`] : []),
      ...warnings.map(({ reason, message }) => `${reason}: ${message}`),
    ].find((text) => finalRefusal.test(text));
    if (refusal !== undefined) return { stage: 'apply', state: 'failed', what: refusal };
    const last = warnings.at(-1);
    return { stage: 'apply', state: 'waiting', what: last?.message ?? 'KServe makes no pod yet' };
  }
  if (pod.unschedulable !== undefined && pod.node === undefined) {
    return { stage: 'apply', state: 'waiting', what: pod.unschedulable, patience: 60_000 };
  }
  const early = startedEarly(pod);
  for (const container of pod.containers) {
    const found = trouble(container, early);
    if (found !== undefined) return { ...found, container: container.name };
  }
  if (pod.ready) return { stage: 'answer', state: 'ready', what: 'the pod is ready' };
  return underway(pod);
}

/**
 * Milliseconds from the start of the sidecar of `oci://` until its link surely exists. KServe limits the sidecar to 10m
 * of CPU by default, a hundredth of a core, in which its shell takes about 6 s to start on an idle node.
 */
const linkPatience = 30_000;

/**
 * Whether the last run of the server began when the sidecar of `oci://` may not have linked the model yet: it then says
 * nothing about the model. KServe starts both at once; a server that needs less than a second crashes several times.
 */
export function startedEarly({ containers }: PodView): boolean {
  const sidecar = containers.find(({ name }) => name === modelcar);
  const run = containers.find(({ name }) => name === server);
  if (sidecar === undefined || run === undefined) return false;
  const began = run.state === 'terminated' ? run.startedAt : run.last?.startedAt;
  if (began === undefined) return false;
  return sidecar.startedAt === undefined || began < sidecar.startedAt + linkPatience;
}

function trouble(container: ContainerView, early: boolean): CaseProgress | undefined {
  const { name, state, init, restarts, exitCode, last } = container;
  const reason = container.reason ?? '';
  const message = container.message ?? '';
  if (/^(ErrImage|ImagePull|ImageInspect|InvalidImageName|RegistryUnavailable)/.test(reason)) {
    const what = `${reason}: ${message}`;
    const final = finalPull.test(what);
    return { stage: 'pull', state: final ? 'failed' : 'waiting', what, patience: 90_000 };
  }
  const stage = stageOf(container);
  if (/^(CreateContainer|RunContainer|Start|PreStart|PostStart)\w*Error$/.test(reason)) {
    return { stage, state: 'failed', what: `${reason}: ${message}` };
  }
  const crashed = state === 'terminated' && (!init || exitCode !== 0);
  const loops = reason === 'CrashLoopBackOff';
  // A server that is running again after two restarts will crash again.
  const again = name === server && restarts >= 2 && !early;
  if (!crashed && !loops && !again) return undefined;
  const end = crashed
    ? `it ended with exit code ${exitCode}${reason === '' ? '' : ` (${reason})`}${colon(message)}`
    : `it ended with exit code ${last?.exitCode ?? '?'}${last?.reason ? ` (${last.reason})` : ''}${colon(last?.message)}, ${restarts} restarts`;
  // Failures of the image's containers repeat, and so does a server's second crash unless it ran without the model.
  const repeats = name !== server || (restarts >= 2 && !early);
  const final = repeats || reason === 'OOMKilled' || last?.reason === 'OOMKilled';
  return { stage, state: final ? 'failed' : 'waiting', what: end };
}

function colon(message: string | undefined): string {
  const first = message?.trim().split('\n').at(-1) ?? '';
  return first === '' ? '' : `: ${first}`;
}

function stageOf({ name, init }: ContainerView): Stage {
  if (name === modelcarInit || name === storageInitializer || init) return 'init';
  return name === modelcar ? 'link' : 'load';
}

function underway({ containers, phase }: PodView): CaseProgress {
  const init = containers.find((one) => one.init && one.state !== 'terminated');
  if (init?.state === 'running') return { stage: 'init', state: 'waiting', what: `${init.name} runs` };
  const starting = containers.find(({ state }) => state === 'waiting' || state === 'unknown');
  if (phase === 'Pending' && starting)
    return { stage: 'pull', state: 'waiting', what: `${starting.name} starts` };
  const waiting = containers.find((one) => !one.init && !one.ready);
  return {
    stage: 'ready',
    state: 'waiting',
    what: waiting ? `${waiting.name} is not ready` : 'the pod is not ready',
    ...(waiting && { container: waiting.name }),
  };
}
