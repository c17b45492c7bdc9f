import { readdir, readFile, realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';

/** `from './x.ts'`, `import './x.ts'`, `import('./x.ts')`: a script's relative imports. */
const specifier = /(?:\bfrom|\bimport)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/g;
/** Type imports are stripped before a script runs, so their files are not read. */
const typesOnly = /\b(?:import|export)\s+type\b[^;'"]*\bfrom\s*(['"])[^'"\n]+\1/g;

/**
 * The scripts outside `frameworks/` that its scripts import, directly or indirectly: paths below the catalog's folder,
 * sorted. Skips imports that do not exist or lead out of the folder: loading the framework reports them.
 */
export async function frameworkImports(directory: string): Promise<string[]> {
  const home = await realpath(directory);
  const folder = join(home, 'frameworks');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const waiting = names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
  const seen = new Set(waiting);
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) {
      seen.delete(file);
      continue;
    }
    for (const [, , path = ''] of text.replaceAll(typesOnly, '').matchAll(specifier)) {
      const imported = resolve(file, '..', path);
      if (seen.has(imported) || !imported.startsWith(home + sep)) continue;
      seen.add(imported);
      waiting.push(imported);
    }
  }
  const outside = [...seen].filter((file) => !file.startsWith(folder + sep));
  return outside.map((file) => relative(home, file).split(sep).join('/')).sort();
}
