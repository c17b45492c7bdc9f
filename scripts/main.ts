/** The program proper; modelcars.ts imports it on a Node that can run it. */
import { versionLine } from './commands/program-version.ts';

const words = process.argv.slice(2);

async function run(): Promise<void> {
  const { keepYoungSpaceSmall } = await import('./memory/young-space.ts');
  keepYoungSpaceSmall();
  const { keepCompiled } = await import('./store/compile-cache.ts');
  const { storeFolder } = await import('./store/folder.ts');
  const distrust = keepCompiled(storeFolder());
  const { runProgram } = await import('./commands/program.ts');
  process.exitCode = await runProgram(words, distrust);
}

// Scripts ask for the version before anything else: it is printed without loading the commands. A write that fails is
// tried again by the program, which explains it.
if (words.length === 1 && /^(?:version|--version|-V)$/.test(words[0] ?? '')) {
  process.stdout.once('error', run);
  process.stdout.write(`${versionLine()}\n`);
} else {
  void run();
}
