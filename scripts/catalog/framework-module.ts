import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isBuilt, packageFile } from '../package.ts';

/** The module that a framework.ts gets for `import { defineFramework } from 'modelcars/framework'`. */
const library = pathToFileURL(packageFile(isBuilt ? 'dist/framework.js' : 'scripts/framework.ts')).href;

/** Folders whose `.ts` files are ES modules, whatever the package.json above them says. */
const folders = new Set<string>();
let hooked = false;

/**
 * Imports a framework's module and returns its default export. `modelcars/framework` is this program's own, even where
 * the package is not installed (npx, `npm i -g`, a checkout). Scripts in `directory` are ES modules even if its
 * package.json says `"type": "commonjs"`, as `npm init` writes it.
 */
export async function importFramework(file: string, directory: string): Promise<unknown> {
  // Those of the built package are bundled and need none of it.
  if (!(isBuilt && file.startsWith(packageFile('dist/')))) resolveFor(directory);
  const module: { default?: unknown } = await import(pathToFileURL(file).href);
  return module.default;
}

/** Makes the imports of a folder's scripts resolve as `importFramework` describes. */
function resolveFor(directory: string): void {
  folders.add(`${pathToFileURL(directory).href}/`);
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'modelcars/framework') return { url: library, shortCircuit: true };
      const resolved = next(specifier, context);
      return isOwnScript(resolved.url) ? { ...resolved, format: 'module-typescript' } : resolved;
    },
  });
}

function isOwnScript(url: string): boolean {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return false;
  if (fileURLToPath(url).includes('/node_modules/')) return false;
  return [...folders].some((folder) => url.startsWith(folder));
}
