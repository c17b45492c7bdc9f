import { programVersion } from '../package.ts';

/** What `modelcars version` prints. */
export function versionLine(): string {
  return `modelcars ${programVersion()} (node ${process.version}, ${process.platform}/${process.arch})`;
}
