/**
 * `npm run bench`: the same work with modelcars and with alternatives, measured. docs/internals/performance.md
 * describes it.
 */
import { readOptions } from './options.ts';
import { writePage } from './page.ts';
import { resultSection } from './report.ts';
import { mergeResults } from './results.ts';
import { runWork } from './runner.ts';
import { targetTable } from './targets.ts';
import { works } from './works.ts';

const pageFolder = new URL('../docs/internals/', import.meta.url);

async function main(words: string[]): Promise<number> {
  const options = readOptions(words);
  const { peers, size, sizeText, runs, command } = options;
  const tell = (line: string): void => console.error(line);
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'])
    process.once(name, () => interrupt.abort(new Error(`bench: stopped by ${name}`)));
  const { signal } = interrupt;
  let failed = false;
  for (const work of options.works) {
    const result = await runWork({ work, peers, size, sizeText, runs, command, signal, tell });
    console.log(`${resultSection(result)}\n`);
    console.log(`${targetTable([result])}\n`);
    failed ||= result.rows.some(({ error }) => error !== undefined);
    if (!options.write) continue;
    const order = works.map(({ name }) => name);
    const results = await mergeResults(new URL('performance.json', pageFolder).pathname, [result], order);
    await writePage(pageFolder, results);
  }
  return failed ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});
