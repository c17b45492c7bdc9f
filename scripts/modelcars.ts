#!/usr/bin/env node
import { runProgram } from './commands/_program.ts';

process.exitCode = await runProgram(process.argv.slice(2));
