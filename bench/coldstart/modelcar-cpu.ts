/** The CPU limit of the sidecar of `oci://`, in KServe's configuration. */
import type { BenchCluster } from './cluster.ts';

/** Where KServe reads it for every pod. */
const config = ['--namespace', 'kserve', 'configmap', 'inferenceservice-config'];

/** Sets `cpuModelcar`, such as `100m`, until it is disposed of. */
export async function setModelcarCpu(
  { kubectl }: Pick<BenchCluster, 'kubectl'>,
  cpu: string,
): Promise<AsyncDisposable> {
  const read = await kubectl('get', ...config, '--output', 'jsonpath={.data.storageInitializer}');
  const write = async (storageInitializer: string): Promise<void> => {
    const patch = JSON.stringify({ data: { storageInitializer } });
    await kubectl('patch', ...config, '--type', 'merge', '--patch', patch);
  };
  await write(JSON.stringify({ ...(JSON.parse(read) as object), cpuModelcar: cpu }));
  return { [Symbol.asyncDispose]: async () => await write(read) };
}
