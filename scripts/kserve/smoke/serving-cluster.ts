import type { Evidence } from '../diagnosis/evidence.ts';
import type { InferenceService } from '../manifests/inference-service.ts';

/** A port of a pod as one of this machine. Disposing of it closes the port. */
export interface ForwardedPort extends AsyncDisposable {
  /** `http://127.0.0.1:40123`. */
  url: string;
}

/**
 * What a smoke test asks of a cluster: to serve an InferenceService, to give evidence of it, and to forward a port of
 * its pod. Which cluster that is, and how its nodes get the image, is not the test's concern.
 */
export interface ServingCluster {
  /**
   * Applies the InferenceService. Returns why the API server refused it; undefined once it is applied. Throws when the
   * cluster is unreachable or the signal aborts.
   */
  serve(service: InferenceService, signal: AbortSignal): Promise<string | undefined>;
  /** Deletes the InferenceService and waits a while for its pod to end. Never throws. */
  remove(service: InferenceService, signal: AbortSignal): Promise<void>;
  /** The current state of an InferenceService and its pod, without logs. */
  evidence(name: string): Evidence;
  /** The same evidence with the last lines of the containers' logs. A log that cannot be read is empty. */
  withLogs(evidence: Evidence): Promise<Evidence>;
  /** Resolves at the next change of anything, after `milliseconds` at the latest; rejects when the signal aborts. */
  changed(milliseconds: number, signal: AbortSignal): Promise<void>;
  forward(pod: string, port: number): Promise<ForwardedPort>;
}
