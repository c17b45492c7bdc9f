/** A vulnerability database for grype, with holes that a test plants; written by grype's own library. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { goPrograms } from './kube/go.ts';
import { part } from './parts.ts';
import { run } from './run.ts';

/** A vulnerability of every version below `below`, in which it is fixed. */
export interface Planted {
  id: string;
  /** As syft names the types of packages: `go-module`, `npm`. */
  ecosystem: string;
  package: string;
  severity: 'low' | 'medium' | 'high' | 'critical';
  below: string;
}

/** What grype needs to use the database of `folder` and no other, without network. */
export function grypeEnvironment(folder: string): Record<string, string> {
  return {
    GRYPE_DB_CACHE_DIR: join(folder, 'cache'),
    GRYPE_DB_AUTO_UPDATE: 'false',
    GRYPE_CHECK_FOR_APP_UPDATE: 'false',
  };
}

/** Makes a database in `folder`. Throws PartMissing without Go. */
export async function plantDatabase(folder: string, planted: readonly Planted[]): Promise<void> {
  const main = await readFile(join(import.meta.dirname, 'grype-db', 'main.go'), 'utf8');
  const hash = createHash('sha256').update(main).digest('hex').slice(0, 12);
  const programs = await goPrograms({
    name: `grype-db-${hash}`,
    module: 'github.com/anchore/grype',
    version: 'v0.121.2',
    packages: ['grype/db/v6'],
    main,
  });
  const made = join(folder, 'made');
  await mkdir(made, { recursive: true });
  await run(join(programs, `grype-db-${hash}`), [made, JSON.stringify(planted)]);
  await run(await part('grype'), ['db', 'import', join(made, 'vulnerability.db')], {
    env: grypeEnvironment(folder),
  });
}
