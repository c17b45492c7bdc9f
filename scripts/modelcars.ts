#!/usr/bin/env node
import { keepCompiled } from './store/compile-cache.ts';
import { storeFolder } from './store/folder.ts';

const distrust = keepCompiled(storeFolder());

const { runProgram } = await import('./commands/program.ts');
process.exitCode = await runProgram(process.argv.slice(2), distrust);
