/**
 * The terms shared by all rooms of kserve/: how an image is served, the stages of a pod, a smoke test's case and
 * result.
 */

import type { StorageMode } from '../model/types.ts';

/** How KServe gets the image's files: as a sidecar, as an image volume, or unpacked by the storage initializer. */
export const modes = ['oci', 'oci+native', 'oci+fetch'] as const satisfies StorageMode[];
export type Mode = StorageMode;

/** What runs KServe: KServe as it is released, or OpenShift AI and Open Data Hub. */
export const servingPlatforms = ['kserve', 'openshift'] as const;
export type ServingPlatform = (typeof servingPlatforms)[number];

/**
 * The security context to test under: `runtime` as the ServingRuntime sets it; `openshift` with a random UID in group
 * 0, no capabilities and no privilege escalation, as OpenShift's restricted-v2; `modelcar` with KServe's `uidModelcar`
 * (1010).
 */
export const securities = ['runtime', 'openshift', 'modelcar'] as const;
export type Security = (typeof securities)[number];

/**
 * The stage at which a model stopped, in the order a pod passes them: the cluster accepts the InferenceService
 * (`apply`), the node has the images (`pull`), init containers end (`init`), /mnt/models is linked (`link`), the server
 * reads the model (`load`), the pod is ready (`ready`), and the prediction is correct (`answer`).
 */
export const stages = ['apply', 'pull', 'init', 'link', 'load', 'ready', 'answer'] as const;
export type Stage = (typeof stages)[number];

/** One way of serving one model. */
export interface SmokeCase {
  model: string;
  /** `local`: by a model server on this machine, without a cluster. */
  mode: Mode | 'local';
  security: Security;
}

/**
 * Why a model does not serve, on one screen. Its texts come from a cluster and are hostile: display them escaped and
 * masked.
 */
export interface Diagnosis {
  stage: Stage;
  /** The observation, in one line. */
  what: string;
  /** The likely cause and its fix. Absent when the observation matches no known cause. */
  cause?: string;
  fix?: string;
  /** Warnings and last events of the pod, oldest first, one per line. */
  events: string[];
  /** The most relevant container, and the last lines of its log. */
  container?: string;
  logs: string[];
  /** For a wrong answer: the expected classes, and those of the answer. */
  expected?: number[];
  got?: number[];
}

/** How one case ended. */
export interface SmokeResult extends SmokeCase {
  /** `skipped`: the cluster or machine does not support this case; see `reason`. */
  status: 'passed' | 'failed' | 'skipped';
  /** From apply (or server start) to the checked answer. */
  seconds: number;
  reason?: string;
  /** Which request was to be sent, for display: "the request of `smoke:` in models.yaml". */
  request?: string;
  diagnosis?: Diagnosis;
}

/** The part of KServe's ConfigMap `inferenceservice-config` that decides how an `oci://` image is served. */
export interface ModelcarConfig {
  enabled: boolean;
  /** The meaning of `oci://`, since KServe 0.20; `modelcar` before. */
  mode: string;
  /** UID that replaces those of sidecar and model server. */
  user?: number;
  /** CPU that each container of a model image requests: `10m`. */
  cpu: string;
}

/** The cluster to use and how it serves, as set on the command line. */
export interface ClusterSettings {
  context?: string;
  kubeconfig?: string;
  namespace?: string;
  kind: string;
  nodeImage?: string;
  kindConfig?: string;
  apiPort?: number;
  clusterName: string;
  keepCluster: boolean;
  kserveVersion?: string;
  kserveManifests: string[];
  loadImages: string[];
  cacheImages: boolean;
  withRuntime: boolean;
  serverImage?: string;
  pullSecrets: string[];
}
