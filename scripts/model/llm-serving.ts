/** Kinds of KServe that serve a model. */
export const servingKinds = ['InferenceService', 'LLMInferenceService'] as const;
export type ServingKind = (typeof servingKinds)[number];

/** KServe's ParallelismSpec (pkg/apis/serving/v1alpha2/llm_inference_service_types.go), without `pipeline`. */
export interface Parallelism {
  tensor?: number;
  data?: number;
  dataLocal?: number;
  dataRPCPort?: number;
  expert?: boolean;
}

/** KServe's RouterSpec: an empty object switches on the default of the cluster. */
export interface Router {
  gateway?: { refs?: { name: string; namespace: string }[] };
  route?: Record<string, never>;
  scheduler?: Record<string, never>;
}

/** What an LLMInferenceService has besides the fields of an InferenceService. */
export interface LLMServing {
  kind?: ServingKind;
  parallelism?: Parallelism;
  router?: Router;
}
