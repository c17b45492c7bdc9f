/** Dagger's published SDK, which has the API without an engine: for type checks and for runs of the module. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, PartMissing, partsFolder } from './parts.ts';
import { run } from './run.ts';

const pins = fileURLToPath(new URL('dagger-sdk/', import.meta.url));

/** Where `daggerSdk` installs the SDK; vitest.config.ts resolves `@dagger.io/dagger` to it. */
export function daggerSdkFolder(): string {
  const lock = readFileSync(join(pins, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  return join(partsFolder(), `dagger-sdk-${key}`);
}

/** The `node_modules` with the pinned SDK; installed first if needed. Throws PartMissing if that fails. */
export async function daggerSdk(): Promise<string> {
  const folder = daggerSdkFolder();
  // tsc is one of its dependencies, and npm writes such links last.
  await cached(folder.slice(partsFolder().length + 1), 'node_modules/.bin/tsc', async (made) => {
    for (const name of ['package.json', 'package-lock.json']) await cp(join(pins, name), join(made, name));
    const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', words, { cwd: made, timeout: 600_000 }).catch((error: Error) => {
      throw new PartMissing(`the Dagger SDK cannot be installed from npm: ${error.message}`);
    });
  });
  return join(folder, 'node_modules');
}
