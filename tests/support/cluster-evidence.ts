import type { ContainerView, EventView, Evidence, PodView } from '../../scripts/kserve/diagnosis/evidence.ts';

/** A container for a test: running and ready by default. */
export function container(name: string, more: Partial<ContainerView> = {}): ContainerView {
  return { name, init: name.includes('init'), state: 'running', ready: true, restarts: 0, ...more };
}

/** A pod for a test: with a node, ready unless a container is not. */
export function pod(containers: ContainerView[], more: Partial<PodView> = {}): PodView {
  const ready = containers.every((one) => one.init || one.ready);
  return { name: 'iris-predictor-7c9f', node: 'node', phase: 'Running', ready, containers, ...more };
}

/** A warning about that pod. */
export function warning(reason: string, message: string, at = 1): EventView {
  return { warning: true, reason, message, object: 'Pod/iris-predictor-7c9f', count: 1, at };
}

/** Evidence for a test. */
export function evidence(more: Partial<Evidence> = {}): Evidence {
  return { events: [], logs: {}, ...more };
}
