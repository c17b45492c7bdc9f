import type { BaseChange } from '../pipeline/manifest-folder.ts';
import type { Prefetch } from '../pipeline/prefetch.ts';
import * as args from './args/index.ts';
import { defined } from './args/values.ts';
import { defineCommand } from './command.ts';
import { openRun } from './run-options.ts';

/** `modelcars prefetch [model..]`: objects that pull model images onto nodes before a service needs them. */
export const prefetch = defineCommand({
  name: 'prefetch',
  describe: 'print a DaemonSet or Job that pulls model images onto nodes before a service needs them',
  args: {
    ...args.selection,
    ...args.overrides,
    layout: args.layout,
    remote: args.remote,
    signed: args.signed,
    ...args.prefetching,
    namespace: args.namespace,
    pullSecrets: args.pullSecrets,
    output: args.output,
    frozen: args.frozen,
    ...args.access,
    ...args.reporting,
  },
  examples: [
    ['prefetch llama --remote --namespace models | kubectl apply -f -', 'on the nodes that serve the model'],
    ['prefetch --remote --node-selector pool=gpu --toleration nvidia.com/gpu', 'on these nodes'],
    ['prefetch llama --remote --job 3', 'once, on three nodes'],
    ['prefetch --remote --output prefetch', 'a kustomize base, to commit'],
  ],
  async run({ args, io }) {
    const { name, namespace, output, pullSecrets, nodeSelector, tolerations, nodes } = args;
    const options = await openRun(args, io);
    const { prefetchModels } = await import('../pipeline/prefetch.ts');
    const made = await prefetchModels({
      ...options,
      from: args.remote ? { registry: true } : { layout: args.layout },
      name,
      pullSecrets,
      // In a base, the kustomization sets it.
      ...defined({
        nodeSelector,
        tolerations,
        nodes,
        namespace: output === undefined ? namespace : undefined,
      }),
    });
    const objects = made.map(({ object }) => object);
    const files = output === undefined ? undefined : await writeFolder(output, made, namespace);
    io.progress.stop();
    if (args.json) {
      const models = made.flatMap(({ object, images }) =>
        images.map((image) => ({ ...image, object: object.metadata.name })),
      );
      io.printJson('prefetch', { ok: true, models, objects, ...defined({ files }) });
    } else if (files === undefined) {
      const { toYaml } = await import('../kserve/manifests/yaml.ts');
      io.print(toYaml(objects).trimEnd());
    } else {
      const changed = files.filter(({ status }) => status !== 'unchanged');
      for (const { path, status } of changed) io.print(`${path}: ${status}`);
      if (changed.length === 0) io.print(`${output}: unchanged`);
    }
    return 0;
  },
});

/** One file per object; files of objects that are no longer needed go. */
async function writeFolder(
  folder: string,
  made: readonly Prefetch[],
  namespace: string | undefined,
): Promise<BaseChange[]> {
  const { writeBase } = await import('../pipeline/manifest-folder.ts');
  const entries = made.map(({ object, images }) => ({
    model: object.metadata.name,
    title: images.map(({ model, version }) => (version ? `${model} ${version}` : model)).join(', '),
    objects: [object],
  }));
  return await writeBase(entries, { folder, whole: true, by: 'prefetch', ...defined({ namespace }) });
}
