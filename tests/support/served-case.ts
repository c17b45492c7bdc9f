/** A smoke test's case in a fake cluster, with a pod that behaves as told and a model server's answers; for run-case. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import sklearn from '../../frameworks/sklearn/framework.ts';
import type { Api } from '../../scripts/kserve/cluster/api.ts';
import { connect } from '../../scripts/kserve/cluster/connect.ts';
import { NamespaceWatch } from '../../scripts/kserve/cluster/watch.ts';
import { ServingNamespace } from '../../scripts/kserve/in-cluster/serving-namespace.ts';
import type { InferenceService } from '../../scripts/kserve/manifests/inference-service.ts';
import { type RunCaseOptions, runCase } from '../../scripts/kserve/smoke/run-case.ts';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { ApiServer } from './fake-apiserver.ts';

export const pods = '/api/v1/namespaces/models/pods';
export const services = '/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices';
/** The right answer to the request of framework sklearn. */
export const right = {
  outputs: [{ name: 'predict', shape: [6, 1], datatype: 'INT64', data: [2, 0, 1, 1, 2, 0] }],
};

const service: InferenceService = {
  apiVersion: 'serving.kserve.io/v1beta1',
  kind: 'InferenceService',
  metadata: { name: 'iris', namespace: 'models' },
  spec: {
    predictor: {
      model: { modelFormat: { name: 'sklearn' }, runtime: 'kserve-mlserver', storageUri: 'oci://a' },
    },
  },
};

/** A case as it was planned, with more fields than its result has. */
const planned = { model: 'iris', mode: 'oci', security: 'runtime', name: 'iris-or', user: 1010 } as const;

/** The server's container in a pod's status, running and ready. */
export const running = { name: 'kserve-container', ready: true, restartCount: 0, state: { running: {} } };

export class ServedCase implements AsyncDisposable {
  readonly cluster: ApiServer;
  readonly watch: NamespaceWatch;
  /** The model server's answers in order; the last one repeats. */
  answers: { status: number; body: unknown }[] = [];
  readonly asked: string[] = [];
  readonly notes: string[] = [];
  readonly #api: Api;
  readonly #server: Server;

  private constructor(cluster: ApiServer, api: Api, watch: NamespaceWatch, server: Server) {
    this.cluster = cluster;
    this.watch = watch;
    this.#api = api;
    this.#server = server;
  }

  static async start(): Promise<ServedCase> {
    const cluster = await ApiServer.start();
    const server = createServer((request, response) => {
      started.asked.push(`${request.method} ${request.url}`);
      const [first] = started.answers;
      const { status, body } = (started.answers.length > 1 ? started.answers.shift() : first) ?? {
        status: 404,
        body: {},
      };
      request.resume().on('end', () => {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cluster.podPort = (server.address() as AddressInfo).port;
    const api = connect({ text: cluster.kubeconfig });
    const started = new ServedCase(cluster, api, await NamespaceWatch.start(api, 'models'), server);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch.stop();
    await this.cluster[Symbol.asyncDispose]();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Runs the case. */
  run(more: Partial<RunCaseOptions> = {}): Promise<SmokeResult> {
    return runCase({
      cluster: new ServingNamespace(this.#api, this.watch, 'models'),
      case: planned,
      service,
      smoke: sklearn.smoke,
      timeout: 20,
      signal: new AbortController().signal,
      note: (text) => this.notes.push(text),
      ...more,
    });
  }

  /** Adds the pod that KServe would create, in the given state. */
  showPod(ready: boolean, containers: object[], init: object[] = [], ports?: object[]): void {
    this.cluster.put(pods, {
      metadata: {
        name: 'iris-predictor-1',
        namespace: 'models',
        labels: { 'serving.kserve.io/inferenceservice': 'iris' },
      },
      spec: { nodeName: 'node', containers: [{ name: 'kserve-container', ports }] },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
        containerStatuses: containers,
        initContainerStatuses: init,
      },
    });
  }

  /** Deletes the pod after the service, as KServe does. */
  podFollowsService(): void {
    const gone = setInterval(() => {
      if (this.cluster.get(`${services}/iris`) !== undefined) return;
      clearInterval(gone);
      this.cluster.delete(`${pods}/iris-predictor-1`);
    }, 50);
  }

  /** A cluster whose pod is ready a moment after the apply, and is deleted with the service. */
  serves(): void {
    this.cluster.onApply = () => {
      setTimeout(() => this.showPod(false, [{ ...running, ready: false }]), 50);
      setTimeout(() => this.showPod(true, [running]), 150);
      this.podFollowsService();
      return undefined;
    };
  }
}
