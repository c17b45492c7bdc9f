import type { ClusterSettings, Mode, Security } from '../kserve/types.ts';
import type { ImageLocation, RunOptions } from './types.ts';

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
