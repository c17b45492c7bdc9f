import type { ClusterSettings } from '../kserve/in-cluster/types.ts';
import type { Mode, Security } from '../kserve/types.ts';
import type { ImageLocation } from './open-images.ts';
import type { RunOptions } from './types.ts';

/** Smoke test options from the command line. */
export interface SmokeOptions extends RunOptions {
  from: ImageLocation;
  wishes: ClusterSettings & {
    local: boolean;
    serverCommand?: string;
    modes: Mode[];
    /** Empty: the cluster's default. */
    security: Security[];
    /** Seconds from apply to the correct prediction. */
    timeout: number;
  };
}
