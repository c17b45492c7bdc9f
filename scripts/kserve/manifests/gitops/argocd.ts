import type { KubernetesObject } from '../inference-service.ts';

/** Where Argo CD finds a base or an overlay, and where it applies it. */
export interface ArgoSource {
  /** Name of the Application. */
  name: string;
  /** URL of the git repository, as Argo CD reaches it. */
  repo: string;
  /** Folder in the repository; `.` for its root. */
  path: string;
  /** Branch, tag or commit; `HEAD` is the default branch. */
  revision: string;
  namespace: string;
}

/**
 * Argo CD's Application (manifests/crds/application-crd.yaml of argo-cd) that applies the folder, without a namespace of
 * its own: `argocd`, or `openshift-gitops`.
 *
 * It needs no `ignoreDifferences`: KServe's webhook only adds fields to an InferenceService, and Argo CD compares those
 * that git has. It needs no sync waves: KServe's controller waits for a ServingRuntime that comes later. It deletes
 * nothing by itself (`prune: false`).
 */
export function argoApplication({ name, repo, path, revision, namespace }: ArgoSource): KubernetesObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name },
    spec: {
      project: 'default',
      source: { repoURL: repo, targetRevision: revision, path },
      destination: { server: 'https://kubernetes.default.svc', namespace },
      syncPolicy: { automated: { prune: false, selfHeal: false } },
    },
  };
}
