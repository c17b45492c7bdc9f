#!/usr/bin/env node
// Runs before anything else on whatever Node the user has, so it uses no syntax newer than Node 12 and imports nothing
// statically: a Node that is too old gets a sentence instead of a SyntaxError.

/** The oldest major version of Node that runs modelcars: `engines` in package.json. */
const oldest = 24;

if (Number(process.versions.node.split('.')[0]) < oldest) {
  console.error(`error: modelcars needs Node ${oldest} or newer; this is Node ${process.versions.node}`);
  console.error('next: install it (https://nodejs.org), or run `npx -p node@24 -p modelcars modelcars`');
  process.exitCode = 1;
} else {
  import('./main.ts');
}
