/** When the pods of a service got how far, from what a watch says of them. */

/** Kubernetes' Pod, limited to the fields read here. */
export interface ObservedPod {
  metadata?: { name?: string; labels?: Record<string, string> };
  status?: {
    conditions?: { type: string; status: string }[];
    containerStatuses?: { name: string; state?: { running?: object } }[];
  };
}

/** Times of one pod, in seconds of any clock. */
export interface PodTimes {
  name: string;
  created: number;
  /** Its first container besides the modelcar ran: all init containers had ended. */
  started?: number;
  ready?: number;
}

/** Phases of several pods: when the last of them got there. */
export interface Phases {
  created: number;
  started: number;
  ready: number;
}

/** The pods that exist, each with the first time of every phase. */
export class PodLog {
  readonly #pods = new Map<string, PodTimes & { labels: Record<string, string> }>();

  /** Notes what the watch says at `now`. */
  note(kind: string, { metadata, status }: ObservedPod, now: number): void {
    const { name = '', labels = {} } = metadata ?? {};
    if (kind === 'DELETED') {
      this.#pods.delete(name);
      return;
    }
    const pod = this.#pods.get(name) ?? { name, created: now, labels };
    this.#pods.set(name, pod);
    const runs = status?.containerStatuses?.some((one) => one.name !== 'modelcar' && one.state?.running);
    const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    if (runs) pod.started ??= now;
    if (ready) pod.ready ??= now;
  }

  /** How many pods exist. */
  get size(): number {
    return this.#pods.size;
  }

  /** The pods with this label, in the order of their creation. */
  having(label: string, value: string): PodTimes[] {
    return [...this.#pods.values()].filter(({ labels }) => labels[label] === value);
  }
}

/** The phases of these pods, counted from `start`; undefined until all are ready. */
export function phasesOf(pods: readonly PodTimes[], start: number): Phases | undefined {
  const last = (key: 'created' | 'started' | 'ready'): number =>
    Math.max(...pods.map((pod) => pod[key] ?? Number.NaN)) - start;
  const phases = { created: last('created'), started: last('started'), ready: last('ready') };
  return Number.isFinite(phases.ready) && Number.isFinite(phases.started) ? phases : undefined;
}
