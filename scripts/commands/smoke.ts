import { isModel } from '../model/catalog-entry.ts';
import type { Recorded } from '../pipeline/record-smoke.ts';
import { displayPath } from '../text/paths.ts';
import { oneLine } from '../text/width.ts';
import * as args from './args/index.ts';
import { type CommandIO, defineCommand } from './command.ts';
import { countResults, printResults, provenModels } from './output/smoke-screen.ts';
import { openRun } from './run-options.ts';
import { runRecording, runSmoke } from './run-smoke.ts';

/** `modelcars smoke [model..]`: serves each image with KServe and compares its prediction with the expected one. */
export const smoke = defineCommand({
  name: 'smoke',
  describe: 'serve built images with KServe and judge a real prediction of each',
  args: {
    ...args.selection,
    shard: args.shard,
    registry: args.overrides.registry,
    version: args.overrides.version,
    layout: args.layout,
    remote: args.remote,
    signed: args.signed,
    ...args.access,
    ...args.smoking,
    record: args.record,
    ...args.reporting,
  },
  examples: [
    ['smoke', 'every image in out/, in a temporary kind cluster'],
    ['smoke iris --local', 'in seconds, by a model server on this machine'],
    ['smoke --remote --context prod --namespace models', 'pushed images, in an existing cluster'],
    ['smoke churn --local --record', 'writes its answer into models.yaml as what to expect from now on'],
    ['smoke --modes oci,oci+native --security openshift,modelcar', 'in every way that KServe has'],
  ],
  async run({ args, io }) {
    const options = await openRun(args, io);
    const from = args.remote ? ({ registry: true } as const) : { layout: args.layout };
    const { results, recorded } = args.record
      ? await runRecording(options, from, args, io)
      : { results: await runSmoke(options, from, args, io) };
    io.progress.stop();
    const proven = provenModels(results);
    // A model that this machine cannot serve has not passed; one that wants no test need not.
    const wanted = options.models.filter((model) => isModel(model) && model.smoke !== false);
    const code = wanted.every(({ name }) => proven.has(name)) ? 0 : 1;
    if (args.json) {
      io.printJson('smoke', {
        ok: code === 0,
        results,
        ...(recorded && { recorded: recorded.map((one) => ({ ...one, expect: { ...one.expect } })) }),
      });
      return code;
    }
    printResults(results, io);
    io.note(`\n${countResults(results)}`);
    if (recorded !== undefined) noteRecorded(recorded, options.catalog.file, io);
    return code;
  },
});

/** What was written into models.yaml: answers come from a server, so they are escaped and masked. */
function noteRecorded(recorded: readonly Recorded[], file: string, { note, masker }: CommandIO): void {
  const shown = displayPath(file);
  for (const { model, less } of recorded) {
    const text = `${shown}: recorded the answer of ${model}${less === undefined ? '' : ` (${less})`}`;
    note(oneLine(masker.mask(text)));
  }
  note(recorded.length === 0 ? `${shown}: unchanged` : 'next: review the difference, then commit it');
}
