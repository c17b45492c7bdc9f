import { lockCommand } from '../catalog/lock-path.ts';
import type { Catalog } from '../model/types.ts';
import type { Progress } from '../terminal/types.ts';
import { list } from '../text/format.ts';
import { displayPath } from '../text/paths.ts';
import type { Rebase } from './rebases.ts';
import type { Outcome } from './types.ts';

/**
 * Says what to set in models.yaml where it names another base or version than the new images have. `moved` are the bases
 * of which the lock pins another image.
 */
export function suggestBase(
  {
    catalog,
    progress,
    rebases,
  }: { catalog: Catalog; progress: Pick<Progress, 'log'>; rebases: readonly Rebase[] },
  outcomes: readonly Outcome[],
  moved: ReadonlySet<string>,
): void {
  const upgrade = `\`${lockCommand(catalog, ['--upgrade'])}\``;
  if (moved.size > 0 && outcomes.some(({ status }) => status === 'done'))
    progress.log(
      `${displayPath(catalog.lockFile)} pins an earlier ${list([...moved], 'and')}: ${upgrade} moves it, and models too`,
    );
  const differing = new Set<string>();
  for (const [at, { name, isListed, model, version }] of rebases.entries()) {
    if (!isListed || outcomes[at]?.status !== 'done') continue;
    const entry = catalog.models.find((one) => one.name === name);
    if (entry?.base !== model.base) differing.add(`base: ${model.base}`);
    if (entry?.version !== version) differing.add(`version: ${version}`);
  }
  if (differing.size === 0) return;
  const settings = [...differing].map((one) => `\`${one}\``).join(' and ');
  progress.log(
    `set ${settings} in ${displayPath(catalog.file)} and run \`${lockCommand(catalog)}\`: it describes the earlier images`,
  );
}
