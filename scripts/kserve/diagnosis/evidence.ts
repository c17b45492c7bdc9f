import type { CoreV1Event, V1ContainerStatus, V1Pod, V1PodSpec } from '@kubernetes/client-node';

/** The state of one container, reduced from a pod's status. */
export interface ContainerView {
  name: string;
  init: boolean;
  state: 'waiting' | 'running' | 'terminated' | 'unknown';
  ready: boolean;
  restarts: number;
  /** Why it is waiting or terminated: `ImagePullBackOff`, `CrashLoopBackOff`, `OOMKilled`. */
  reason?: string;
  message?: string;
  exitCode?: number;
  /** When the run began that goes on or ended last, in milliseconds since 1970. */
  startedAt?: number;
  /** How the previous run ended, if the container was restarted. */
  last?: { reason?: string; exitCode: number; message?: string; startedAt?: number };
}

export interface PodView {
  name: string;
  node?: string;
  phase: string;
  ready: boolean;
  /** The scheduler's message while the pod has no node. */
  unschedulable?: string;
  /** The model server's HTTP port, if its container declares one. */
  port?: number;
  containers: ContainerView[];
}

export interface EventView {
  warning: boolean;
  reason: string;
  message: string;
  /** `Pod/iris-predictor-…`. */
  object: string;
  count: number;
  /** Last occurrence, in milliseconds since 1970. */
  at: number;
}

/** A condition of an InferenceService. */
export interface ConditionView {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

/** The relevant part of an InferenceService's `status`. */
export interface ServiceView {
  conditions: ConditionView[];
  /** KServe's ModelStatus.lastFailureInfo. */
  failure?: { reason?: string; message?: string };
}

/** Everything that a cluster reports about one model on its way to serving. */
export interface Evidence {
  service?: ServiceView;
  pod?: PodView;
  /** Oldest first. */
  events: EventView[];
  /** Last lines of the log by container; of the previous run if that crashed. */
  logs: Record<string, string[]>;
}

/** The fields of an InferenceService that are read here. */
export interface ServiceStatus {
  metadata?: { name?: string };
  status?: {
    conditions?: ConditionView[];
    modelStatus?: { lastFailureInfo?: { reason?: string; message?: string } };
  };
}

/** Reduces an InferenceService's status. */
export function viewService({ status }: ServiceStatus): ServiceView {
  const failure = status?.modelStatus?.lastFailureInfo;
  const conditions = (status?.conditions ?? []).map(({ type, status, reason, message }) => ({
    type,
    status,
    ...(reason && { reason }),
    ...(message && { message }),
  }));
  return { conditions, ...(failure && { failure }) };
}

export function viewPod({ metadata, spec, status }: V1Pod): PodView {
  const condition = (type: string) => status?.conditions?.find((one) => one.type === type);
  const scheduled = condition('PodScheduled');
  const init = (status?.initContainerStatuses ?? []).map((one) => viewContainer(one, true));
  const own = (status?.containerStatuses ?? []).map((one) => viewContainer(one, false));
  const port = spec && httpPort(spec);
  return {
    name: metadata?.name ?? '',
    phase: status?.phase ?? 'Unknown',
    ready: condition('Ready')?.status === 'True',
    containers: [...init, ...own],
    ...(spec?.nodeName && { node: spec.nodeName }),
    ...(port !== undefined && { port }),
    ...(scheduled?.status === 'False' && {
      unschedulable: scheduled.message ?? scheduled.reason ?? 'it has no node',
    }),
  };
}

/** A runtime may have a port for gRPC too, which KServe's documents name `h2c` and others `grpc`. */
function httpPort({ containers = [] }: V1PodSpec): number | undefined {
  const { ports = [] } = containers.find(({ name }) => name === 'kserve-container') ?? {};
  const http = ports.filter(
    ({ name = '', protocol = 'TCP' }) => protocol === 'TCP' && !/h2c|grpc/.test(name),
  );
  return (http.find(({ containerPort }) => containerPort === 8080) ?? http[0])?.containerPort;
}

function viewContainer(
  { name, ready, restartCount, state, lastState }: V1ContainerStatus,
  init: boolean,
): ContainerView {
  const { waiting, running, terminated } = state ?? {};
  const reason = waiting?.reason ?? terminated?.reason;
  const message = waiting?.message ?? terminated?.message;
  const last = lastState?.terminated;
  const startedAt = milliseconds((running ?? terminated)?.startedAt);
  const lastStartedAt = milliseconds(last?.startedAt);
  return {
    name,
    init,
    ready,
    restarts: restartCount,
    state: waiting ? 'waiting' : running ? 'running' : terminated ? 'terminated' : 'unknown',
    ...(reason && { reason }),
    ...(message && { message }),
    ...(terminated && { exitCode: terminated.exitCode }),
    ...(startedAt !== undefined && { startedAt }),
    ...(last && {
      last: {
        exitCode: last.exitCode,
        ...(last.reason && { reason: last.reason }),
        ...(last.message && { message: last.message }),
        ...(lastStartedAt !== undefined && { startedAt: lastStartedAt }),
      },
    }),
  };
}

/** An API server's time, which is a text here whatever its declared type. */
function milliseconds(time: Date | undefined): number | undefined {
  return time === undefined ? undefined : new Date(time).getTime();
}

export function viewEvent(event: CoreV1Event): EventView {
  const { involvedObject, lastTimestamp, eventTime, metadata } = event;
  const time = lastTimestamp ?? eventTime ?? metadata.creationTimestamp;
  return {
    warning: event.type === 'Warning',
    reason: event.reason ?? '',
    message: event.message ?? '',
    object: `${involvedObject.kind ?? ''}/${involvedObject.name ?? ''}`,
    count: event.count ?? 1,
    at: time === undefined ? 0 : new Date(time).getTime(),
  };
}
