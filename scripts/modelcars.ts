#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// A third of a short run is Node taking out types and compiling: it may keep that. Where it cannot, it does without.
const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
enableCompileCache(join(process.env.MODELCARS_STORE || join(caches, 'modelcars'), 'compile'));

const { runProgram } = await import('./commands/_program.ts');
process.exitCode = await runProgram(process.argv.slice(2));
