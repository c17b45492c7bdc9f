import { globSync } from 'node:fs';
import { defineConfig, type Plugin } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import licensePlugin from 'rollup-plugin-license';

/** Its types describe an ES module, but it is CommonJS: the default import is the function itself. */
const license = licensePlugin as unknown as typeof licensePlugin.default;
/** `frameworks/sklearn/framework.ts` → entry `frameworks/sklearn/framework`. */
const frameworks = globSync('frameworks/*/framework.ts').sort();
const library = { index: './scripts/index.ts', framework: './scripts/framework.ts' };

/** `dist/bin/modelcars`: the program under its own name, for the PATH of the program's image. */
function command(): Plugin {
  const source = "#!/usr/bin/env node\nimport '../modelcars.js';\n";
  return {
    name: 'command',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'bin/modelcars', source });
    },
  };
}

/**
 * The published package: the program and the library with all their packages, and the library's types. Files that
 * several commands share are directly in dist/, where scripts/package.ts expects to be.
 */
export default defineConfig([
  {
    input: {
      modelcars: 'scripts/modelcars.ts',
      ...library,
      ...Object.fromEntries(frameworks.map((file) => [file.replace(/\.ts$/, ''), file])),
    },
    platform: 'node',
    // The licences of bundled packages require their text to be distributed with them.
    plugins: [license({ thirdParty: { output: 'dist/third-party-licenses.txt' } }), command()],
    output: { dir: 'dist', format: 'esm', cleanDir: true, chunkFileNames: '[name]-[hash].js' },
  },
  {
    input: library,
    platform: 'node',
    // The public types mention no package, so none has to be read.
    external: /^[^./]/,
    plugins: [dts({ dtsOnly: true, generator: 'tsgo' })],
    output: { dir: 'dist', format: 'esm' },
  },
]);
