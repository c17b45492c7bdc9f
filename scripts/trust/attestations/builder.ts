import { otherBuilders } from './build-type.ts';

/** The environment variables of a run, or of a test. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Who built an image. */
export interface Builder {
  /** A URI: the CI workflow, without the number of a run. */
  id: string;
  /** The run, as its CI system names it: a URI or an ARN. */
  invocationId?: string;
}

/** A builder, or undefined where the variables are not those of this system. */
type Detect = (env: Environment) => Builder | undefined;

/**
 * The builder that a CI system's environment variables name. They are claims of the machine that runs the build: only
 * the signature's identity proves them. Nothing else of the environment is used.
 */
export function builderOf(env: Environment): Builder {
  for (const detect of systems) {
    const builder = detect(env);
    if (builder !== undefined) return builder;
  }
  const isCI = env.CI !== undefined && env.CI !== '' && env.CI !== 'false';
  return { id: isCI ? otherBuilders.unknown : otherBuilders.laptop };
}

const gitHub: Detect = (env) => {
  // `owner/repo/.github/workflows/push.yml@refs/heads/main`, the form of the token's claim `workflow_ref`.
  const { GITHUB_SERVER_URL: server, GITHUB_WORKFLOW_REF: workflow } = env;
  if (!server || !workflow) return undefined;
  const { GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: attempt = '1' } = env;
  return built(
    `${server}/${workflow}`,
    repository && run && `${server}/${repository}/actions/runs/${run}/attempts/${attempt}`,
  );
};

const gitLab: Detect = (env) => {
  const { CI_PROJECT_URL: project, CI_CONFIG_PATH: config, CI_COMMIT_TAG: tag } = env;
  if (!env.GITLAB_CI || !project) return undefined;
  const branch = env.CI_COMMIT_BRANCH ?? env.CI_MERGE_REQUEST_SOURCE_BRANCH_NAME;
  const ref = tag ? `refs/tags/${tag}` : branch && `refs/heads/${branch}`;
  // As in the token's claim `ci_config_ref_uri`, with the scheme.
  return built(`${project}//${config || '.gitlab-ci.yml'}${ref ? `@${ref}` : ''}`, env.CI_JOB_URL);
};

const jenkins: Detect = ({ JENKINS_URL, JOB_URL, BUILD_URL }) =>
  JENKINS_URL && JOB_URL ? built(JOB_URL, BUILD_URL) : undefined;

/** Tekton sets no variables: the task has to pass `$(context.…)` on, as ci/tekton/node.yaml does. */
const tekton: Detect = (env) => {
  const { TEKTON_NAMESPACE: namespace, TEKTON_TASK: task, TEKTON_TASK_RUN_UID: uid } = env;
  if (!namespace || !task) return undefined;
  return built(`https://tekton.dev/namespaces/${namespace}/tasks/${task}`, uid && `urn:uuid:${uid}`);
};

const buildkite: Detect = (env) => {
  const { BUILDKITE_ORGANIZATION_SLUG: organization, BUILDKITE_PIPELINE_SLUG: pipeline } = env;
  if (!organization || !pipeline) return undefined;
  const { BUILDKITE_BUILD_URL: url, BUILDKITE_JOB_ID: job } = env;
  return built(`https://buildkite.com/${organization}/${pipeline}`, url && (job ? `${url}#${job}` : url));
};

const codeBuild: Detect = ({ CODEBUILD_BUILD_ARN: arn }) => {
  // arn:aws:codebuild:REGION:ACCOUNT:build/PROJECT:UUID
  const match = /^(arn:[\w-]+:codebuild:[\w-]+:\d+):build\/([^:/]+):/.exec(arn ?? '');
  return match ? built(`${match[1]}:project/${match[2]}`, arn) : undefined;
};

const systems: Detect[] = [gitHub, gitLab, jenkins, tekton, buildkite, codeBuild];

function built(id: string, invocationId: string | undefined): Builder {
  return { id: clean(id), ...(invocationId && { invocationId: clean(invocationId) }) };
}

/** A URI without user and password: Jenkins and GitLab may have been configured with some. */
function clean(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}
