import type { Security } from '../types.ts';

/** Kubernetes' PodSecurityContext and SecurityContext, limited to the fields written here. */
export interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  fsGroup?: number;
  seccompProfile?: { type: 'RuntimeDefault' };
  allowPrivilegeEscalation?: boolean;
  capabilities?: { drop: string[] };
}

/** The first UID of OpenShift's ranges of 10,000 per namespace (openshift.io/sa.scc.uid-range). */
const firstUser = 1_000_000_000;

/** A UID such as OpenShift would choose: no image has a user with that number. */
export function randomUser(random: () => number = Math.random): number {
  return firstUser + 10_000 * Math.floor(random() * 100_000);
}

/**
 * The context of the whole pod, including the modelcar: OpenShift's SCC `restricted-v2`, as far as a pod can set it.
 */
export function podSecurity(as: Security, user: number): SecurityContext | undefined {
  if (as !== 'openshift') return undefined;
  return {
    runAsUser: user,
    runAsGroup: 0,
    runAsNonRoot: true,
    fsGroup: user,
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** The same for the model server: a user set by its runtime would override the pod's. */
export function containerSecurity(as: Security, user: number): SecurityContext | undefined {
  if (as !== 'openshift') return undefined;
  return {
    runAsUser: user,
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  };
}
