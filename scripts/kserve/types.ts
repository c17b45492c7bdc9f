/** What the smoke test's parts tell each other. */

/** How KServe gets at an image: as a sidecar, as an image volume, or unpacked by the storage initializer. */
export const modes = ['oci', 'oci+native', 'oci+fetch'] as const;
export type Mode = (typeof modes)[number];

/**
 * Whom the pod runs as: `runtime` as the ServingRuntime says; `openshift` with a random UID in group 0, no capability and no
 * privilege escalation, as OpenShift's restricted-v2 does; `modelcar` with KServe's `uidModelcar` (1010).
 */
export const securities = ['runtime', 'openshift', 'modelcar'] as const;
export type Security = (typeof securities)[number];

/**
 * Where a model that does not serve stops, in the order a pod goes through: the cluster takes the InferenceService (`apply`), the
 * node has the images (`pull`), init containers end (`init`), /mnt/models shows the model (`link`), the server reads it (`load`),
 * the pod is ready (`ready`), and the answer is right (`answer`).
 */
export const stages = ['apply', 'pull', 'init', 'link', 'load', 'ready', 'answer'] as const;
export type Stage = (typeof stages)[number];

/** One model served in one way. */
export interface SmokeCase {
  model: string;
  /** `local`: by a model server on this machine, without a cluster. */
  mode: Mode | 'local';
  security: Security;
}

/** Why a model does not serve, on one screen. Its texts come from a cluster and are hostile: show them escaped and masked. */
export interface Diagnosis {
  stage: Stage;
  /** One line: what was seen. */
  what: string;
  /** The likely cause, and what mends it. Absent when what was seen fits none we know. */
  cause?: string;
  fix?: string;
  /** Warnings and last events of the pod, oldest first, one a line. */
  events: string[];
  /** The container that tells most, and the last lines it wrote. */
  container?: string;
  logs: string[];
  /** Of a wrong answer: the true classes, and what came. */
  expected?: number[];
  got?: number[];
}

/** How one case ended. */
export interface SmokeResult extends SmokeCase {
  /** `skipped`: the cluster or machine cannot do this case; `reason` says why. */
  status: 'passed' | 'failed' | 'skipped';
  /** From apply (or start of the server) to the judged answer. */
  seconds: number;
  reason?: string;
  diagnosis?: Diagnosis;
}

/** The part of KServe's ConfigMap `inferenceservice-config` that decides how an `oci://` image is served. */
export interface ModelcarConfig {
  enabled: boolean;
  /** What `oci://` means, since KServe 0.20; `modelcar` before. */
  mode: string;
  /** UID that sidecar and model server get instead of their own. */
  user?: number;
}
