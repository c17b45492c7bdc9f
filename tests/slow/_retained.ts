/**
 * Pushes the models of a catalog (its argument) and prints the bytes of the heap that are still in use when the last one
 * is done and the run is not over. Needs `--expose-gc`.
 */
import { loadCatalog } from '../../scripts/catalog/load.ts';
import { pushModels } from '../../scripts/pipeline/push.ts';
import { silentTask } from '../../scripts/terminal/types.ts';

const catalog = await loadCatalog(process.argv[2] ?? '');
let left = catalog.models.length;
let used = 0;
const done = () => {
  left -= 1;
  if (left > 0) return;
  globalThis.gc?.();
  used = process.memoryUsage().heapUsed;
};
const outcomes = await pushModels({
  catalog,
  models: catalog.models,
  frozen: true,
  dryRun: false,
  registry: {},
  signal: new AbortController().signal,
  progress: { task: () => ({ ...silentTask, done }), log() {}, warn() {}, stop() {} },
});
for (const { error } of outcomes) if (error !== undefined) throw error;
if (globalThis.gc === undefined) throw new Error('run it with --expose-gc');
console.log(used);
