import { lockedSize } from '../../catalog/shard.ts';
import { ModelcarsError } from '../../errors.ts';
import { frameworkName } from '../../model/catalog-entry.ts';
import type { CatalogEntry, Lock } from '../../model/types.ts';
import type { MatrixForm } from '../args/output.ts';

/**
 * The most jobs that a system creates from one matrix: GitHub Actions' usage limits, GitLab's reference of
 * `parallel:matrix`.
 */
const mostJobs: Record<MatrixForm, number> = { github: 256, gitlab: 200, plain: Number.POSITIVE_INFINITY };

/**
 * One job per model, as a single line of JSON (in $GITHUB_OUTPUT a value ends with its line):
 * - `github`: `{"include":[{"model":…,"framework":…,"size":…}]}` for `strategy.matrix: ${{ fromJSON(…) }}`; `size`, in
 *   bytes, is omitted where the lock has none;
 * - `gitlab`: `[{"MODEL":[…]}]` for `parallel: matrix:`, whose values are strings, as environment variables are;
 * - `plain`: `[…]`, names only, for Argo's `withParam`, Tekton's array parameters, Jenkins' `readJSON`.
 *
 * Fails with code `limit` when there are more jobs than the system accepts.
 */
export function matrixOf(form: MatrixForm, models: readonly CatalogEntry[], lock: Lock | undefined): string {
  const most = mostJobs[form];
  if (models.length > most) {
    throw new ModelcarsError(
      'limit',
      `list the matrix: ${models.length} models, but ${form} takes ${most} jobs`,
      {
        next: 'fan out by shards instead (docs/guide/ci.md), or choose models with --only',
      },
    );
  }
  const names = models.map(({ name }) => name);
  if (form === 'plain') return JSON.stringify(names);
  if (form === 'gitlab') return JSON.stringify([{ MODEL: names }]);
  const include = models.map((model) => {
    const size = lockedSize(model, lock);
    return { model: model.name, framework: frameworkName(model), ...(size !== undefined && { size }) };
  });
  return JSON.stringify({ include });
}
