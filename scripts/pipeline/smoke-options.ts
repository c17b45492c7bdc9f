import type { ClusterSettings, Mode, Security } from '../kserve/types.ts';
import type { Model, ModelSmoke } from '../model/types.ts';
import type { ImageLocation, RunOptions } from './types.ts';

/** Smoke test options from the command line. */
export interface SmokeOptions extends RunOptions {
  from: ImageLocation;
  /**
   * Receives each answer that passes (hostile) and its request, of requests that models.yaml has or can have. Their
   * `expect` does not count then: any answer of the right shape passes.
   */
  recorder?: (model: Model, smoke: ModelSmoke, answer: unknown) => void;
  wishes: ClusterSettings & {
    local: boolean;
    serverCommand?: string;
    /** Empty: that of each model's `serving.storage`. */
    modes: Mode[];
    /** Empty: the cluster's default. */
    security: Security[];
    /** Seconds from apply to the correct prediction. */
    timeout: number;
  };
}

/** The settings of `modelcars smoke` without options or variables; `security` empty: chosen to fit the cluster. */
export const smokeDefaults: SmokeOptions['wishes'] = {
  local: false,
  kind: 'kind',
  clusterName: 'modelcars-smoke',
  keepCluster: false,
  kserveManifests: [],
  loadImages: [],
  cacheImages: false,
  withRuntime: false,
  pullSecrets: [],
  modes: [],
  security: [],
  timeout: 300,
};
