import { quantity } from '../../admission/quantity.ts';
import { knownRuntimes, type ServingRuntime, servingRuntime } from '../manifests/serving-runtimes/index.ts';
import type { Api } from './api.ts';
import type { Amount } from './capacity.ts';

interface AnyRuntime {
  spec?: { containers?: { image?: string; resources?: { requests?: Record<string, string> } }[] };
}

/** The requests of KServe's own runtimes. */
const usual: Amount = { cpu: 1, memory: 2 * 1024 ** 3 };

/** An existing runtime of the cluster, or one to apply (`bring`). */
export interface ChosenRuntime {
  bring?: ServingRuntime;
  /** The request of its server. */
  need: Amount;
  /** Of its containers. */
  images: string[];
}

/**
 * Looks up a runtime by name in the namespace and the cluster; returns the built-in one to apply with `always`, or with
 * `ifMissing` when the cluster lacks it. KServe reports a runtime that exists nowhere.
 */
export async function chooseRuntime(
  api: Api,
  name: string,
  wish: { namespace: string; always: boolean; ifMissing: boolean; image?: string },
): Promise<ChosenRuntime> {
  const { namespace, always, ifMissing, image } = wish;
  const ours = () => servingRuntime(name, { namespace, ...(image !== undefined && { image }) });
  const brought = () => ({ bring: ours(), need: needOf(ours()), images: imagesOf(ours()) });
  if (always) return brought();
  const apiVersion = 'serving.kserve.io/v1alpha1';
  for (const kind of ['ServingRuntime', 'ClusterServingRuntime']) {
    const found = await api
      .find<AnyRuntime>({ apiVersion, kind, metadata: { name, namespace } })
      .catch(() => undefined);
    if (found !== undefined) return { need: needOf(found), images: imagesOf(found) };
  }
  return ifMissing && knownRuntimes.includes(name) ? brought() : { need: usual, images: [] };
}

function imagesOf({ spec }: AnyRuntime): string[] {
  return (spec?.containers ?? []).flatMap(({ image }) => image ?? []);
}

function needOf({ spec }: AnyRuntime): Amount {
  const { cpu, memory } = spec?.containers?.[0]?.resources?.requests ?? {};
  return {
    cpu: cpu === undefined ? usual.cpu : quantity(cpu),
    memory: memory === undefined ? usual.memory : quantity(memory),
  };
}
