/** KServe's names of protocols (pkg/constants/constants.go). */
export type ProtocolVersion = 'v1' | 'v2' | 'grpc-v1' | 'grpc-v2';

/** Settings of an InferenceService besides the image; every field is KServe's or Kubernetes' field of the same name. */
export interface Serving {
  /** ServingRuntime or ClusterServingRuntime, instead of the framework's. */
  runtime?: string;
  /** Name of the model format, instead of the framework's. */
  modelFormat?: string;
  /** Protocol that is requested of the runtime, instead of the framework's. */
  protocolVersion?: ProtocolVersion;
  args: string[];
  env: Record<string, string>;
  /** Kubernetes quantities by resource. */
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  /** Names of Secrets. */
  imagePullSecrets: string[];
  serviceAccount?: string;
  /** UID of the model server and of the sidecar, which must be equal. */
  runAsUser?: number;
}
