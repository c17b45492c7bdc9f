import type { Security } from '../types.ts';

/** Kubernetes' PodSecurityContext and SecurityContext, as far as we write them. */
export interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  fsGroup?: number;
  seccompProfile?: { type: 'RuntimeDefault' };
  allowPrivilegeEscalation?: boolean;
  capabilities?: { drop: string[] };
}

/** OpenShift gives each namespace 10,000 UIDs from this one on (openshift.io/sa.scc.uid-range). */
const firstUser = 1_000_000_000;

/** A UID as OpenShift would choose one: that of no user in any image. */
export function randomUser(random: () => number = Math.random): number {
  return firstUser + 10_000 * Math.floor(random() * 100_000);
}

/** What holds for all containers of the pod, the modelcar too: OpenShift's SCC `restricted-v2`, as far as a pod can say it. */
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

/** The same for the model server: its runtime may name a user of its own, which would win over the pod's. */
export function containerSecurity(as: Security, user: number): SecurityContext | undefined {
  if (as !== 'openshift') return undefined;
  return {
    runAsUser: user,
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  };
}
