import { readFileSync } from 'node:fs';
import { packageFile } from '../package.ts';

/** This program's version, from package.json. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}

/** What `modelcars version` prints. */
export function versionLine(): string {
  return `modelcars ${programVersion()} (node ${process.version}, ${process.platform}/${process.arch})`;
}
