import type { Evidence } from '../diagnosis/evidence.ts';
import type { InferenceService } from '../manifests/inference-service.ts';

/** A pod's port, forwarded to this machine. Disposing of it closes the port. */
export interface ForwardedPort extends AsyncDisposable {
  /** `http://127.0.0.1:40123`. */
  url: string;
}

/**
 * The operations a smoke test needs of a cluster: serve an InferenceService, collect evidence about it, and forward a
 * port of its pod. The test does not depend on the kind of cluster or on how its nodes get the image.
 */
export interface ServingCluster {
  /**
   * Applies the InferenceService. Returns why the API server rejected it; undefined once it is applied. Throws when the
   * cluster is unreachable or the signal aborts.
   */
  serve(service: InferenceService, signal: AbortSignal): Promise<string | undefined>;
  /** Deletes the InferenceService and waits briefly for its pod to end. Never throws. */
  remove(service: InferenceService, signal: AbortSignal): Promise<void>;
  /** The current state of an InferenceService and its pod, without logs. */
  evidence(name: string): Evidence;
  /** The same evidence with the last lines of the containers' logs. An unreadable log is empty. */
  withLogs(evidence: Evidence): Promise<Evidence>;
  /** Resolves at the next change, or after `milliseconds` at the latest; rejects when the signal aborts. */
  changed(milliseconds: number, signal: AbortSignal): Promise<void>;
  forward(pod: string, port: number): Promise<ForwardedPort>;
}
