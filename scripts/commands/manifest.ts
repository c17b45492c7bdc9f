import type { KubernetesObject } from '../kserve/manifests/inference-service.ts';
import type { ArgoOptions } from '../pipeline/argo-source.ts';
import type { ModelManifest } from '../pipeline/manifest.ts';
import type { BaseChange } from '../pipeline/manifest-folder.ts';
import type { RunOptions } from '../pipeline/types.ts';
import { readArgo } from './args/argocd.ts';
import * as args from './args/index.ts';
import { defined } from './args/values.ts';
import { defineCommand } from './command.ts';
import { openRun } from './run-options.ts';

/** `modelcars manifest [model..]`: the InferenceService or LLMInferenceService of a model, with its image pinned. */
export const manifest = defineCommand({
  name: 'manifest',
  describe:
    'print the InferenceService or LLMInferenceService of a model, pinned by digest, or write a kustomize base',
  args: {
    ...args.selection,
    ...args.overrides,
    layout: args.layout,
    remote: args.remote,
    signed: args.signed,
    namespace: args.namespace,
    pullSecrets: args.pullSecrets,
    platform: args.servingPlatform,
    withRuntime: args.withRuntime,
    serverImage: args.serverImage,
    output: args.output,
    ...args.argo,
    frozen: args.frozen,
    ...args.access,
    ...args.reporting,
  },
  examples: [
    ['manifest iris --registry quay.io/me | kubectl apply -f -', 'serve a pushed model'],
    [
      'manifest --remote --namespace models --pull-secret quay',
      'what the registry holds, from a private one',
    ],
    ['manifest iris --with-runtime', 'with its ServingRuntime, for a cluster that lacks it'],
    ['manifest --remote --output deploy', 'a kustomize base, to commit: kubectl apply -k deploy'],
    ['manifest iris --for openshift', 'for OpenShift AI: its runtime, and listed in the dashboard'],
  ],
  async run({ args, io }) {
    const { output, namespace, pullSecrets, withRuntime, serverImage, platform } = args;
    const argo = readArgo(args, { output, namespace });
    const options = await openRun(args, io);
    // The last that can fail because of the command line; nothing is written yet.
    const application = argo && (await applicationOf(argo));
    const { manifestModels } = await import('../pipeline/manifest.ts');
    const { toYaml } = await import('../kserve/manifests/yaml.ts');
    const manifests = await manifestModels({
      ...options,
      from: args.remote ? { registry: true } : { layout: args.layout },
      pullSecrets,
      withRuntime,
      base: output !== undefined,
      ...defined({ namespace, serverImage, platform }),
    });
    const files = output && (await writeFolder(output, manifests, options, namespace));
    io.progress.stop();
    if (args.json) {
      const more = defined({ files: files || undefined, application });
      io.printJson('manifest', { ok: true, models: manifests, ...more });
    } else if (files) {
      const changed = files.filter(({ status }) => status !== 'unchanged');
      const say = application ? io.note : io.print;
      for (const { path, status } of changed) say(`${path}: ${status}`);
      if (changed.length === 0) say(`${output}: unchanged`);
      if (application) io.print(toYaml([application]).trimEnd());
    } else io.print(toYaml(manifests.flatMap(({ objects }) => objects)).trimEnd());
    return 0;
  },
});

async function applicationOf(options: ArgoOptions): Promise<KubernetesObject> {
  const { argoSource } = await import('../pipeline/argo-source.ts');
  const { argoApplication } = await import('../kserve/manifests/gitops/argocd.ts');
  return argoApplication(await argoSource(options));
}

async function writeFolder(
  folder: string,
  manifests: ModelManifest[],
  { catalog, models }: RunOptions,
  namespace: string | undefined,
): Promise<BaseChange[]> {
  const { writeBase } = await import('../pipeline/manifest-folder.ts');
  const whole = catalog.models.length === models.length;
  return await writeBase(manifests, { folder, whole, ...defined({ namespace }) });
}
