import { type Arg, choice, flag, groups, readList, text } from './option.ts';

const group = groups.select;

/** The positional `<what..>` of `add`. */
export const what: Arg<string[]> = {
  options: {},
  positional: {
    spec: '<what..>',
    key: 'what',
    describe:
      'a file, a folder, org/name or a page of the hub, https://…, s3://…, gs://…, azure://…, oci://…',
  },
  read: (parsed) => readList(parsed, 'what'),
};

/** Values in place of those that `add` guesses. */
export const guesses = {
  name: text('name', {
    describe: 'the name of the model (default: after its file, folder or repository)',
    group,
  }),
  framework: text('framework', {
    describe: 'the framework that serves it, a folder of frameworks/ (default: after its files)',
    group,
  }),
};

/** True, unless --no-lock is given. */
export const lockNew = flag(
  'no-lock',
  { describe: 'only write models.yaml; `modelcars lock` reads the source later', group: groups.transport },
  (given) => !given,
);

/** The CI systems of `init`. */
export const ci = choice('ci', ['github', 'gitlab', 'jenkins', 'tekton', 'codebuild', 'kubernetes'], {
  describe: 'also write the CI file of github, gitlab, jenkins, tekton, codebuild or kubernetes',
  group: groups.transport,
});
