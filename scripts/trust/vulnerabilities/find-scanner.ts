import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { ModelcarsError } from '../../errors.ts';
import { grype } from './grype.ts';
import { trivy } from './trivy.ts';
import type { Scanner, ScannerName } from './types.ts';

const scanners: readonly Scanner[] = [grype, trivy];

/** The wanted scanner, or the first one on PATH. Fails with code `scan` when PATH has none. */
export async function findScanner(wanted?: ScannerName): Promise<Scanner> {
  for (const scanner of scanners)
    if ((wanted ?? scanner.name) === scanner.name && (await isOnPath(scanner.name))) return scanner;
  throw new ModelcarsError('scan', `scan for vulnerabilities: ${wanted ?? 'grype or trivy'} is not on PATH`, {
    next: 'install grype (github.com/anchore/grype) or trivy (trivy.dev), or leave out the scan',
  });
}

async function isOnPath(name: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const found = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
