import type { DeploymentMode, ScaleMetric } from '../model/types.ts';

export const deploymentModes = [
  'Standard',
  'RawDeployment',
  'Knative',
  'Serverless',
] as const satisfies DeploymentMode[];
export const scaleMetrics = ['cpu', 'memory', 'concurrency', 'rps'] as const satisfies ScaleMetric[];

/** The fields of a predictor that decide how many pods it has. */
export interface Scaling {
  minReplicas?: number | undefined;
  maxReplicas?: number | undefined;
  scaleMetric?: ScaleMetric | undefined;
  scaleTarget?: number | undefined;
  deploymentMode?: DeploymentMode | undefined;
  annotations?: Readonly<Record<string, string>> | undefined;
}

/** A broken rule, at the field that has to change. */
export interface WrongScaling {
  field: 'minReplicas' | 'maxReplicas' | 'scaleMetric' | 'scaleTarget';
  text: string;
}

/** Pods without `minReplicas` (pkg/constants/constants.go: DefaultMinReplicas). */
const defaultReplicas = 1;

/**
 * What KServe refuses of a predictor's scaling (pkg/apis/serving/v1beta1/component.go: validateReplicas;
 * inference_service_validation.go: validateAutoScalingCompExtension), and metrics that the autoscaler of the deployment
 * mode does not have. `maxReplicas: 0` means no limit.
 */
export function checkScaling(scaling: Scaling): WrongScaling[] {
  const { minReplicas, maxReplicas = 0, scaleMetric, scaleTarget, deploymentMode } = scaling;
  const wrong: WrongScaling[] = [];
  if (maxReplicas !== 0 && (minReplicas ?? defaultReplicas) > maxReplicas) {
    const text = `expected at least \`minReplicas\` (${minReplicas ?? defaultReplicas}), or 0 for no limit, got ${maxReplicas}`;
    wrong.push({ field: 'maxReplicas', text });
  }
  const isPlain = deploymentMode === 'Standard' || deploymentMode === 'RawDeployment';
  const isKnative = deploymentMode === 'Knative' || deploymentMode === 'Serverless';
  const watchesPods = scaleMetric === 'concurrency' || scaleMetric === 'rps';
  const byHpa = scaling.annotations?.['autoscaling.knative.dev/class'] === 'hpa.autoscaling.knative.dev';
  if (scaleMetric !== undefined && isPlain && watchesPods) {
    const text = `expected \`cpu\` or \`memory\` with \`deploymentMode: ${deploymentMode}\`, got \`${scaleMetric}\``;
    wrong.push({ field: 'scaleMetric', text });
  }
  if (scaleMetric !== undefined && isKnative && !watchesPods && !byHpa) {
    const text = `expected \`concurrency\` or \`rps\` with \`deploymentMode: ${deploymentMode}\`, got \`${scaleMetric}\``;
    wrong.push({ field: 'scaleMetric', text });
  }
  const keda = scaling.annotations?.[autoscalerClass] === 'keda';
  if (scaleMetric !== undefined && keda) {
    const text = `KEDA has no \`scaleMetric\`: remove it, or the annotation \`${autoscalerClass}\``;
    wrong.push({ field: 'scaleMetric', text });
  }
  const isPercentage = scaleMetric === undefined ? isPlain : !watchesPods;
  if (scaleTarget !== undefined && isPercentage && scaleTarget > 100)
    wrong.push({ field: 'scaleTarget', text: `expected a percentage from 1 to 100, got ${scaleTarget}` });
  return wrong;
}

const autoscalerClass = 'serving.kserve.io/autoscalerClass';

/** Values of annotations that KServe's webhook checks (pkg/constants/constants.go: AutoscalerAllowedClassList). */
export const annotationValues: Readonly<Record<string, readonly string[]>> = {
  [autoscalerClass]: ['hpa', 'external', 'keda', 'none'],
};
