import { quantity } from '../../admission/quantity.ts';

/** CPUs and bytes. */
export interface Amount {
  cpu: number;
  memory: number;
}

/** The fields of Kubernetes' Node and Pod that scheduling depends on. */
export interface NodeFacts {
  metadata?: { name?: string };
  spec?: { unschedulable?: boolean; taints?: { effect?: string }[] };
  status?: { allocatable?: Record<string, string> };
}
export interface PodFacts {
  spec?: {
    nodeName?: string;
    containers?: { resources?: { requests?: Record<string, string> } }[];
    initContainers?: { resources?: { requests?: Record<string, string> } }[];
  };
  status?: { phase?: string };
}

/**
 * How many pods with a request of `need` fit at once on the schedulable nodes, computed from the allocatable resources
 * that no other pod requests.
 */
export function roomFor(need: Amount, nodes: readonly NodeFacts[], pods: readonly PodFacts[]): number {
  let room = 0;
  for (const { metadata, spec, status } of nodes) {
    const closed = spec?.taints?.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
    if (spec?.unschedulable || closed) continue;
    const used = sum(
      pods
        .filter(
          ({ spec, status }) =>
            spec?.nodeName === metadata?.name && !/^(Succeeded|Failed)$/.test(status?.phase ?? ''),
        )
        .map(requestOf),
    );
    const free = {
      cpu: quantity(status?.allocatable?.cpu) - used.cpu,
      memory: quantity(status?.allocatable?.memory) - used.memory,
    };
    const most = Math.min(free.cpu / Math.max(need.cpu, 0.01), free.memory / Math.max(need.memory, 1e6));
    room += Math.max(0, Math.floor(most + 1e-9));
  }
  return room;
}

/** The request of a pod: the sum of its containers, or that of an init container if larger. */
export function requestOf({ spec }: PodFacts): Amount {
  const own = sum((spec?.containers ?? []).map(amountOf));
  const init = (spec?.initContainers ?? []).map(amountOf);
  return {
    cpu: Math.max(own.cpu, ...init.map(({ cpu }) => cpu)),
    memory: Math.max(own.memory, ...init.map(({ memory }) => memory)),
  };
}

function amountOf({ resources }: { resources?: { requests?: Record<string, string> } }): Amount {
  return { cpu: quantity(resources?.requests?.cpu), memory: quantity(resources?.requests?.memory) };
}

function sum(amounts: readonly Amount[]): Amount {
  return amounts.reduce((all, one) => ({ cpu: all.cpu + one.cpu, memory: all.memory + one.memory }), {
    cpu: 0,
    memory: 0,
  });
}
