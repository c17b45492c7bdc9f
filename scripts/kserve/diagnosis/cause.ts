import type { Stage } from '../types.ts';

/** A pattern in a cluster's texts, and its usual cause. */
export interface KnownCause {
  stages: Stage[];
  sign: RegExp;
  cause: string;
  fix: string;
  /** Also seen when a server starts before the sidecar has linked the model: the next start may succeed. */
  race?: true;
}
