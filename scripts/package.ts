import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Whether this is the published package (JavaScript in dist/) rather than a checkout (TypeScript in scripts/). */
export const isBuilt = import.meta.url.endsWith('.js');

/**
 * Absolute path of a file or folder of the modelcars package, given from its root with `/`. scripts/ in a checkout and
 * dist/ in the package are both folders of the root, and the bundle has all its shared code directly in dist/.
 */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** This program's version, from package.json. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}
