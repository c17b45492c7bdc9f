import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';
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
 * string-width, with which yargs wraps its help, loads Unicode tables as soon as it is imported: 25 ms of every run. The
 * help's texts get the width that all other output of the program has.
 */
function textWidth(): Plugin {
  const id = '\0string-width';
  return {
    name: 'text-width',
    resolveId: {
      filter: { id: /^string-width$/ },
      handler: (_, importer = '') => (/[\\/](?:yargs|cliui|wrap-ansi)[\\/]/.test(importer) ? id : undefined),
    },
    load: {
      filter: { id: /^\0string-width$/ },
      handler: () => `export { textWidth as default } from '${resolve('scripts/text/width.ts')}';`,
    },
  };
}

/**
 * An import of a built-in module reads all its exports, and some load more of Node when they are read (`fs.Utf8Stream`,
 * `crypto.webcrypto`): a fifth of a short run. `process.getBuiltinModule` reads only those that are used.
 */
function builtins(): Plugin {
  return {
    name: 'builtins',
    renderChunk(code) {
      return code.replaceAll(
        /^import \{([^}]+)\} from "([^"]+)";$/gm,
        (line, names: string, module: string) =>
          isBuiltin(module)
            ? `const {${names.replaceAll(' as ', ': ')}} = process.getBuiltinModule("${module}");`
            : line,
      );
    },
  };
}

/**
 * The library's declarations in dist/types: those that TypeScript writes for its entries, and all that these import. Fails
 * when one of them imports a package, because a user has none of them.
 */
function types(): Plugin {
  return {
    name: 'types',
    generateBundle() {
      const folder = mkdtempSync(join(tmpdir(), 'modelcars-types-'));
      try {
        // The entries and what they import: the whole project, with its tests, takes five times as long.
        const project = {
          extends: resolve('tsconfig.json'),
          compilerOptions: {
            noEmit: false,
            declaration: true,
            emitDeclarationOnly: true,
            rootDir: resolve(),
            outDir: folder,
            typeRoots: [resolve('node_modules/@types')],
          },
          include: [],
          files: Object.values(library).map((file) => resolve(file)),
        };
        const config = join(folder, 'tsconfig.json');
        writeFileSync(config, JSON.stringify(project));
        execFileSync('tsc', ['--project', config], { stdio: 'inherit' });
        const root = join(folder, 'scripts');
        const files = new Set(Object.keys(library).map((name) => join(root, `${name}.d.ts`)));
        for (const file of files) {
          const source = readFileSync(file, 'utf8').replaceAll(
            /(from |import\()(['"])([^'"]+)\2/g,
            (_, before: string, quote: string, target: string) => {
              if (!target.startsWith('.')) this.error(`${relative(folder, file)} imports ${target}`);
              files.add(join(dirname(file), target.replace(/\.ts$/, '.d.ts')));
              return `${before}${quote}${target.replace(/\.ts$/, '.js')}${quote}`;
            },
          );
          this.emitFile({ type: 'asset', fileName: `types/${relative(root, file)}`, source });
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/**
 * The published package: the program and the library with all their packages, and the library's types. Files that
 * several commands share are directly in dist/, where scripts/package.ts expects to be.
 */
export default defineConfig({
  input: {
    modelcars: 'scripts/modelcars.ts',
    ...library,
    ...Object.fromEntries(frameworks.map((file) => [file.replace(/\.ts$/, ''), file])),
  },
  platform: 'node',
  // The licences of bundled packages require their text to be distributed with them.
  plugins: [
    license({ thirdParty: { output: 'dist/third-party-licenses.txt' } }),
    command(),
    textWidth(),
    builtins(),
    // A program that is run and not imported, such as that of the Dagger module, needs none.
    ...(process.env.MODELCARS_BUILD === 'program' ? [] : [types()]),
  ],
  output: { dir: 'dist', format: 'esm', cleanDir: true, chunkFileNames: '[name]-[hash].js' },
});
