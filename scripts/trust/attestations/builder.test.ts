import { expect, test } from 'vitest';
import { builderOf } from './builder.ts';

// Values as each system's documentation shows them.
test.each([
  [
    'GitHub Actions',
    {
      CI: 'true',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'octo-org/octo-repo',
      GITHUB_WORKFLOW_REF: 'octo-org/octo-repo/.github/workflows/push.yml@refs/tags/v1',
      GITHUB_RUN_ID: '1658821493',
      GITHUB_RUN_ATTEMPT: '2',
    },
    'https://github.com/octo-org/octo-repo/.github/workflows/push.yml@refs/tags/v1',
    'https://github.com/octo-org/octo-repo/actions/runs/1658821493/attempts/2',
  ],
  [
    'GitLab on a branch',
    {
      GITLAB_CI: 'true',
      CI_PROJECT_URL: 'https://gitlab.com/group/models',
      CI_CONFIG_PATH: 'ci/push.yml',
      CI_COMMIT_BRANCH: 'main',
      CI_JOB_URL: 'https://gitlab.com/group/models/-/jobs/1',
    },
    'https://gitlab.com/group/models//ci/push.yml@refs/heads/main',
    'https://gitlab.com/group/models/-/jobs/1',
  ],
  [
    'GitLab on a tag, configured with a password',
    { GITLAB_CI: 'true', CI_PROJECT_URL: 'https://me:secret@git.example.com/a/b', CI_COMMIT_TAG: 'v1' },
    'https://git.example.com/a/b//.gitlab-ci.yml@refs/tags/v1',
    undefined,
  ],
  [
    'Jenkins',
    {
      JENKINS_URL: 'https://ci.example.com/',
      JOB_URL: 'https://ci.example.com/job/models/',
      BUILD_URL: 'https://ci.example.com/job/models/7/',
    },
    'https://ci.example.com/job/models/',
    'https://ci.example.com/job/models/7/',
  ],
  [
    'Tekton',
    { TEKTON_NAMESPACE: 'ml', TEKTON_TASK: 'modelcars-push', TEKTON_TASK_RUN_UID: '1-2-3' },
    'https://tekton.dev/namespaces/ml/tasks/modelcars-push',
    'urn:uuid:1-2-3',
  ],
  [
    'Buildkite',
    {
      CI: 'true',
      BUILDKITE_ORGANIZATION_SLUG: 'acme',
      BUILDKITE_PIPELINE_SLUG: 'models',
      BUILDKITE_BUILD_URL: 'https://buildkite.com/acme/models/builds/1514',
      BUILDKITE_JOB_ID: 'e44f9784',
    },
    'https://buildkite.com/acme/models',
    'https://buildkite.com/acme/models/builds/1514#e44f9784',
  ],
  [
    'CodeBuild',
    { CODEBUILD_BUILD_ARN: 'arn:aws:codebuild:us-east-1:123456789012:build/models:b1e66666-e4f2' },
    'arn:aws:codebuild:us-east-1:123456789012:project/models',
    'arn:aws:codebuild:us-east-1:123456789012:build/models:b1e66666-e4f2',
  ],
])('%s is named by its workflow, and the run by its URL', (_, env, id, invocationId) => {
  expect(builderOf(env)).toEqual({ id, ...(invocationId !== undefined && { invocationId }) });
});

test('without a CI system it is a laptop, and an unknown CI system is not taken for one', () => {
  expect(builderOf({}).id).toMatch(/build-type\.md#laptop$/);
  expect(builderOf({ CI: 'false', HOSTNAME: 'secret' }).id).toMatch(/build-type\.md#laptop$/);
  expect(builderOf({ CI: 'true' }).id).toMatch(/build-type\.md#unknown$/);
});
