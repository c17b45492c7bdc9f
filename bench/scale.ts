/**
 * How cost grows with the catalog: `npm run bench:scale [-- COUNT... --write]`, after `npm run build`. Locks, lists and pushes
 * catalogs of small local models, and works with a model of many files and one of a terabyte.
 * docs/internals/performance.md has results and targets; scripts/pipeline/scale.test.ts holds the counts, tests/slow/scale.test.ts the memory.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFile } from '../scripts/package.ts';
import { writeManyFiles, writeSmallModels, writeTerabyte } from './catalogs.ts';
import { cells, commandTable, growthTable, type Line, writeGrowth } from './growth.ts';
import { measure } from './measure.ts';
import { type Proxy as Counter, startProxy } from './proxy.ts';
import { startSink } from './sink.ts';

const defaultCounts = [50, 500, 5000];
/** The built package; its start-up is what users have. */
const program = packageFile('dist/modelcars.js');

type Write = (folder: string, registry: string) => Promise<void>;

/**
 * Runs commands in a folder of their own, against a registry that keeps only small blobs, and says on stderr what each
 * cost.
 */
async function measureCommands(
  models: number,
  write: Write,
  commands: [string, string[]][],
): Promise<Line[]> {
  const sink = await startSink();
  const proxy = await startProxy(sink.host);
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-bench-scale-'));
  try {
    await write(folder, `${proxy.host}/scale`);
    const lines: Line[] = [];
    for (const [what, words] of commands) {
      const line = await run(folder, proxy, what, models, words);
      console.error(`${models} models: ${cells(line).join(' | ')}`);
      lines.push(line);
    }
    return lines;
  } finally {
    await proxy.stop();
    sink.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  folder: string,
  proxy: Counter,
  what: string,
  models: number,
  words: string[],
): Promise<Line> {
  proxy.reset();
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    MODELCARS_STORE: join(folder, 'store'),
    DISABLE_PROGRESS: 'true',
  };
  const step = { program: process.execPath, args: [program, ...words] };
  const measured = await measure([step], { cwd: folder, env, logFile: join(folder, 'log') });
  return { ...measured, what, models, requests: proxy.traffic().requests };
}

async function main(words: string[]): Promise<void> {
  const write = words.includes('--write');
  const named = words.filter((word) => word !== '--write').map(Number);
  if (named.some((count) => !(count > 0)))
    throw new Error('usage: npm run bench:scale [-- COUNT... --write]');
  const counts = named.length > 0 ? named : defaultCounts;
  const catalogs: Line[] = [];
  for (const count of counts) {
    const writeModels: Write = (folder, registry) => writeSmallModels(folder, count, registry);
    catalogs.push(
      ...(await measureCommands(count, writeModels, [
        ['lock, first', ['lock']],
        ['lock, unchanged', ['lock']],
        ['list', ['list']],
        ['push, first', ['push', '--frozen']],
        ['push, unchanged', ['push', '--frozen']],
      ])),
    );
  }
  const large = [
    ...(await measureCommands(1, writeManyFiles, [
      ['lock, 2,000 files', ['lock']],
      ['push, 2,000 files', ['push', '--frozen']],
      ['push, 2,000 files, unchanged', ['push', '--frozen']],
    ])),
    ...(await measureCommands(1, writeTerabyte, [
      ['list, 1 TB', ['list']],
      ['push --dry-run, 1 TB', ['push', '--dry-run', '--frozen']],
    ])),
  ];
  console.log(`${growthTable(catalogs)}\n\n${commandTable(large)}`);
  if (write) await writeGrowth(new URL('../docs/internals/', import.meta.url), catalogs, large);
}

await main(process.argv.slice(2));
