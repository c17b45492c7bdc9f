/**
 * `npm run bench`: the same work with modelcars and with alternatives, measured. docs/guide/performance.md describes
 * what a node does, docs/internals/performance.md the rest.
 */
import { runColdstart } from './coldstart/run.ts';
import { tableNames } from './coldstart/ways.ts';
import { compareRatios, compareTable } from './compare.ts';
import { readOptions } from './options.ts';
import { writePage } from './page.ts';
import { resultSection } from './report.ts';
import { mergeResults, type Result, readEarlier } from './results.ts';
import { runWork } from './runner.ts';
import { targetTable } from './targets.ts';
import { type Work, works } from './works.ts';

const internals = new URL('../docs/internals/', import.meta.url);
const guide = new URL('../docs/guide/', import.meta.url);

async function main(words: string[]): Promise<number> {
  const options = readOptions(words);
  const { peers, ways, size, sizeText, runs, command } = options;
  // Before any work, and before --write replaces it.
  const earlier = options.compare === undefined ? undefined : await readEarlier(options.compare);
  const done: Result[] = [];
  const tell = (line: string): void => console.error(line);
  const interrupt = new AbortController();
  // A pull keeps a registry for each peer, and each has a listener that ends it with this process.
  process.setMaxListeners(50);
  for (const name of ['SIGINT', 'SIGTERM'])
    process.once(name, () => interrupt.abort(new Error(`bench: stopped by ${name}`)));
  const { signal } = interrupt;
  let failed = false;
  for (const work of options.works) {
    const running = { work, peers, size, sizeText, runs, command, signal, tell };
    const made =
      work.kind === 'coldstart' ? await runColdstart({ ...running, ways }) : [await runWork(running)];
    done.push(...made);
    for (const result of made) {
      console.log(`${resultSection(result)}\n`);
      console.log(`${targetTable([result])}\n`);
      failed ||= result.rows.some(({ error }) => error !== undefined);
    }
    if (!options.write) continue;
    const order = works.flatMap(namesOf);
    const results = await mergeResults(new URL('performance.json', internals).pathname, made, order);
    const ofNodes = works.filter(({ kind }) => kind === 'pull' || kind === 'coldstart').flatMap(namesOf);
    const isOfNodes = ({ work: name }: Result): boolean => ofNodes.includes(name);
    await writePage(guide, results.filter(isOfNodes));
    await writePage(
      internals,
      results.filter((one) => !isOfNodes(one)),
    );
  }
  if (earlier === undefined) return failed ? 1 : 0;
  const changes = compareRatios(earlier, done);
  console.log(compareTable(changes));
  return failed || changes.length === 0 || changes.some(({ worse }) => worse) ? 1 : 0;
}

/** The names of a work's results. */
function namesOf({ name, kind }: Work): string[] {
  return kind === 'coldstart' ? tableNames : [name];
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});
