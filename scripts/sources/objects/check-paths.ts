import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import { checkClashes, checkPath } from '../../text/paths.ts';

/**
 * Fails with code `source` when a path cannot be a file of an image, or two cannot be files of one image. `uri` is that of
 * the source, `next` says how to get rid of the path.
 */
export function checkPaths(uri: string, paths: readonly string[], next: string): void {
  const fail = (problem: string) => new ModelcarsError('source', `read ${plain(uri)}: ${problem}`, { next });
  for (const path of paths) {
    const problem = checkPath(path);
    if (problem) throw fail(`the path ${plain(path)} ${problem}`);
  }
  const [clash] = checkClashes(paths);
  if (clash !== undefined) throw fail(`${plain(clash.first)} and ${plain(clash.second)} ${clash.why}`);
}
