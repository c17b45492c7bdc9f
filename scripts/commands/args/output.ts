import { choice, flag, groups, text } from './option.ts';

const group = groups.show;

export const dryRun = flag('dry-run', {
  alias: 'n',
  describe: 'print what would be done, write nothing',
  group,
});

/** Whether a changed lock, an outdated model, or a difference has its own exit code. */
export const exitCode = flag('exit-code', {
  describe: 'exit with 3 when the lock changed (--dry-run: would change) or is outdated, or images differ',
  group,
});

/** The formats of `list --matrix`, one job per model. */
export const matrixForms = ['github', 'gitlab', 'plain'] as const;
export type MatrixForm = (typeof matrixForms)[number];

export const matrix = choice('matrix', matrixForms, {
  describe:
    "one CI job per model, as JSON: for GitHub's matrix, GitLab's, or names only (Argo, Tekton, Jenkins)",
  group,
});

/** What `catalog` writes. */
export const catalogForms = ['html', 'odh'] as const;

export const catalogFormat = text(
  'format',
  {
    choices: catalogForms,
    default: 'html',
    describe: 'html: a static site; odh: YAML for the model catalog of Open Data Hub (default html)',
    group,
  },
  (given) => catalogForms.find((one) => one === given) ?? 'html',
);

export const title = text(
  'title',
  { default: 'Model catalog', describe: 'heading of the catalog (default Model catalog)', group },
  (given) => given ?? 'Model catalog',
);

export const junit = text('junit', { describe: 'a file for the results as JUnit XML', group });

export const json = flag('json', {
  describe: 'print one JSON document on stdout and nothing besides',
  group,
});

/** program.ts reads it too, before a command is parsed. */
export const noProgress = flag('no-progress', {
  describe: 'no progress (also DISABLE_PROGRESS=true)',
  group,
});

/** How every command on models reports its results. */
export const reporting = { json, noProgress };
