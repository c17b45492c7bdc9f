import { optionSets } from './args/build.ts';
import { smokeOptions } from './args/kserve.ts';
import type { Command } from './command.ts';
import { countResults, printResults, provenModels, runSmoke } from './output/smoke-screen.ts';
import { openRun } from './run-options.ts';

/** `modelcars smoke [model..]`: each image served by KServe and asked for a prediction whose right answer is known. */
export const smoke: Command = {
  name: 'smoke',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'serve built images with KServe and judge a real prediction of each',
  options: [
    ...optionSets.models,
    'shard',
    'registry',
    'version',
    'output',
    'remote',
    ...optionSets.access,
    ...smokeOptions,
    ...optionSets.output,
  ],
  examples: [
    ['smoke', 'every image in out/, in a kind cluster that is made and deleted'],
    ['smoke iris --local', 'in seconds, by a model server on this machine'],
    ['smoke --remote --context prod --namespace models', 'pushed images, in an existing cluster'],
    ['smoke --modes oci,oci+native --security openshift,modelcar', 'in every way that KServe has'],
  ],
  async run(flags, context) {
    const options = await openRun(flags, context);
    const from = flags.remote ? ({ registry: true } as const) : { layout: flags.output };
    const results = await runSmoke(options, from, flags, context);
    context.progress.stop();
    const proven = provenModels(results);
    const smoked = new Set(results.map(({ model }) => model));
    const code = proven.size === smoked.size ? 0 : 1;
    if (flags.json) {
      context.printJson({ command: 'smoke', ok: code === 0, results });
      return code;
    }
    printResults(results, context);
    context.tell(`\n${countResults(results)}`);
    return code;
  },
};
