import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import type { CheckResult, DoctorOptions } from './types.ts';

/** The Python that `smoke --local` uses for MLServer. */
export async function checkPython({ signal }: DoctorOptions): Promise<CheckResult[]> {
  const [{ findPython }, { mlserverEnvironment }] = await Promise.all([
    import('../../kserve/local/server/python.ts'),
    import('../../kserve/local/server/mlserver.ts'),
  ]);
  const { interpreters } = mlserverEnvironment;
  const python = await findPython(interpreters, signal);
  if (python !== undefined)
    return [{ check: 'python', status: 'ok', message: `${python}, for smoke --local` }];
  return [
    {
      check: 'python',
      status: 'warn',
      message: `neither ${interpreters.join(' nor ')} with venv is installed; smoke --local needs one`,
      next: `install ${interpreters.join(' or ')} with venv (Debian: python3-venv)`,
    },
  ];
}

/** The container engine and kind, with which `smoke` and `cluster` create a cluster. */
export async function checkEngine({ signal, env }: DoctorOptions): Promise<CheckResult[]> {
  const [{ findEngine }, { onPath }] = await Promise.all([
    import('../../kserve/kind/kind.ts'),
    import('../../kserve/local/tools.ts'),
  ]);
  const check = 'container-engine';
  const engine = await findEngine(signal, env).catch((error: unknown) => {
    if (!(error instanceof ModelcarsError) || signal.aborted) throw error;
    return error;
  });
  if (engine instanceof ModelcarsError) {
    const [, ...tried] = engine.message.split('\n');
    const message = `none responds (${tried.map((line) => plain(line)).join('; ')}); smoke and cluster need one`;
    return [{ check, status: 'warn', message, ...(engine.next !== undefined && { next: engine.next }) }];
  }
  const kind = env.MODELCARS_KIND || 'kind';
  if (kind.includes('/') || (await onPath(kind)) !== undefined)
    return [{ check, status: 'ok', message: `${engine} responds; kind is ${plain(kind)}` }];
  const message = `${engine} responds, but kind is not installed; smoke and cluster need it`;
  const next = 'install kind (https://kind.sigs.k8s.io), or name the program in MODELCARS_KIND';
  return [{ check, status: 'warn', message, next }];
}

/** The cluster of the kubeconfig: whether it answers, and whether KServe there serves model images. */
export async function checkCluster(options: DoctorOptions): Promise<CheckResult[]> {
  const { kubeconfig, context, offline, signal } = options;
  const { connect } = await import('../../kserve/cluster/connect.ts');
  const check = 'cluster';
  const api = connect({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  });
  // What KubeConfig.loadFromDefault makes up without a file.
  if (api.config.getCurrentContext() === 'loaded-context' && api.server === 'http://localhost:8080') {
    const message = 'no kubeconfig; smoke creates a kind cluster, or takes --local';
    return [{ check, status: 'ok', message }];
  }
  const where = `context ${plain(api.config.getCurrentContext())} at ${plain(api.server)}`;
  if (offline) return [{ check, status: 'ok', message: `${where}; it was not asked` }];
  const groups = await api.request<{ groups?: { name: string }[] }>('GET', '/apis', { signal });
  if (groups.groups?.some(({ name }) => name === 'serving.kserve.io') !== true) {
    const message = `${where}: it has no KServe`;
    return [{ check, status: 'warn', message, next: 'install KServe there, or use another context' }];
  }
  const { readFacts } = await import('../../kserve/cluster/facts.ts');
  const { modelcars, openshift } = await readFacts(api);
  const kind = `${where}: KServe${openshift ? ' on OpenShift' : ''}`;
  if (modelcars.enabled)
    return [{ check, status: 'ok', message: `${kind}, serves oci:// images (${plain(modelcars.mode)})` }];
  return [
    {
      check,
      status: 'warn',
      message: `${kind}, but oci:// images are switched off`,
      next: 'set `enableModelcar: true` in `storageInitializer` of its ConfigMap inferenceservice-config',
    },
  ];
}
