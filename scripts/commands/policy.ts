import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { openCatalog } from './run-options.ts';

/** `modelcars policy [model..]`: the cluster's policy that admits signed images only. */
export const policy = defineCommand({
  name: 'policy',
  describe: 'print the policy with which a cluster admits only images that `trust:` trusts',
  args: {
    ...args.selection,
    registry: args.overrides.registry,
    kind: args.policyKind,
    ...args.reporting,
  },
  examples: [
    ['policy --kyverno | kubectl apply -f -', 'pods, image volumes and InferenceServices, by Kyverno'],
    ['policy --openshift > policy.yaml', 'what the nodes of OpenShift pull'],
  ],
  async run({ args, io }) {
    const { policyOf } = await import('../pipeline/policy.ts');
    const { notes, objects } = await policyOf(args.kind, await openCatalog(args, io));
    io.progress.stop();
    if (args.json) {
      io.printJson('policy', {
        ok: true,
        kind: args.kind,
        notes,
        objects: objects.map((one) => ({ ...one })),
      });
      return 0;
    }
    const { toYaml } = await import('../kserve/manifests/yaml.ts');
    io.print(`${notes.map((note) => `# ${note}\n`).join('')}${toYaml(objects)}`.trimEnd());
    return 0;
  },
});
