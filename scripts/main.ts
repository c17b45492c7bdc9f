/** The program proper; modelcars.ts imports it on a Node that can run it. */
import { keepCompiled } from './store/compile-cache.ts';
import { storeFolder } from './store/folder.ts';

const distrust = keepCompiled(storeFolder());

const { runProgram } = await import('./commands/program.ts');
process.exitCode = await runProgram(process.argv.slice(2), distrust);
