import { ModelcarsError } from '../errors.ts';
import type { Framework, LockedFile } from '../model/types.ts';
import { plain, show } from '../text/format.ts';
import { checkPath } from '../text/paths.ts';

/** The path of a locked file below /models: as locked, by the framework's `place`, or by the model's `files:`. */
export function targetPath(framework: Framework, file: LockedFile): string {
  const byName = () => (file.source === undefined ? framework.place?.(file.path) : undefined);
  const path = file.place ?? byName() ?? file.path;
  const problem = checkPath(path);
  if (problem === undefined) return path;
  throw new ModelcarsError(
    'catalog',
    `place ${plain(file.path)}: framework ${framework.name} puts it at ${show(path)}, which ${problem}`,
    {
      next: `correct \`place\` in frameworks/${framework.name}/framework.ts`,
    },
  );
}
