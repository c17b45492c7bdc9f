/** The recipes of ci/, the action, the component and docs/guide/ci.md: valid commands, consistent with each other, no secret on a command line. */
import { beforeAll, describe, expect, test } from 'vitest';
import { parseShard } from '../../scripts/catalog/shard.ts';
import { parseCommandLine } from '../../scripts/commands/parse.ts';
import {
  daggerLines,
  filledIn,
  programLines,
  type Recipe,
  recipe,
  recipes,
  reusable,
} from '../parts/recipes.ts';
import { run } from '../parts/run.ts';

let all: Recipe[];
let docs: Recipe;
let action: Recipe;
let component: Recipe;
/** This repository's own workflows. */
let own: Recipe[];
let pin: string;
beforeAll(async () => {
  all = await recipes();
  docs = await recipe('docs/guide/ci.md');
  [action, component] = (await Promise.all(reusable.map(recipe))) as [Recipe, Recipe];
  own = await Promise.all(['ci', 'release'].map((name) => recipe(`.github/workflows/${name}.yml`)));
  pin = JSON.parse((await recipe('dagger.json')).text).engineVersion.replace(/^v/, '');
});

const byDagger = () => all.filter(({ path }) => /\/dagger\./.test(path));
const byNode = () => all.filter(({ path }) => /\/(node|matrix)\.|\/job\./.test(path));
/** The commands of a recipe without its comments, which describe alternatives. */
const done = ({ text }: Recipe) => text.replaceAll(/^\s*(#|\/\/).*$/gm, '');

test('every CI system has a recipe with Dagger and one without', () => {
  const systems = (some: Recipe[]) => [...new Set(some.map(({ path }) => path.split('/')[1]))];
  expect(systems(byDagger())).toEqual(['codebuild', 'github', 'gitlab', 'jenkins', 'tekton']);
  expect(systems(byNode())).toEqual(['codebuild', 'github', 'gitlab', 'jenkins', 'kubernetes', 'tekton']);
});

test('every modelcars command in the recipes is valid', async () => {
  for (const { path, lines } of [...all, docs, component, ...own].map((one) => ({
    path: one.path,
    lines: programLines(one),
  }))) {
    for (const line of lines) {
      const invocation = await parseCommandLine(filledIn(line), 80);
      expect([path, line, invocation?.command.name]).toEqual([path, line, line[0]]);
    }
  }
  for (const one of byNode()) expect([one.path, programLines(one).length > 0]).toEqual([one.path, true]);
  for (const one of byNode()) expect(programLines(one).map(([command]) => command)).toContain('push');
});

test('the recipes without Dagger need no package.json, and pass HF_TOKEN', () => {
  for (const one of [...byNode(), component]) {
    expect([one.path, done(one)]).toEqual([one.path, expect.not.stringMatching(/\bnpm\b|package.*json/)]);
    expect([one.path, one.text]).toEqual([one.path, expect.stringContaining('HF_TOKEN')]);
  }
});

test('modelcars is pinned to the version of package.json, once in each file', async () => {
  const { version } = JSON.parse((await recipe('package.json')).text);
  const pins = /modelcars(?:@v?|:v)(\d[\d.]+\d)|MODELCARS_VERSION\W+(\d[\d.]+\d)|default: (\d+\.\d+\.\d+)$/gm;
  for (const one of [...byNode(), ...byDagger(), action, component])
    expect([one.path, ...[...done(one).matchAll(pins)].map((match) => match.slice(1).join(''))]).toEqual([
      one.path,
      version,
    ]);
  for (const [, of] of docs.text.matchAll(/modelcars(?:\/modelcars)?@v?(\d[\d.]+\d)/g))
    expect(of).toBe(version);
});

describe('CodeBuild', () => {
  const ecr = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/models';
  test.each<[string, Record<string, string>, string]>([
    ['started by hand verifies', {}, 'build --verify --shard 1/1'],
    ['of a pull request verifies', { CODEBUILD_WEBHOOK_TRIGGER: 'pr/12' }, 'build --verify --shard 1/1'],
    ['of a branch verifies', { CODEBUILD_WEBHOOK_TRIGGER: 'branch/v2' }, 'build --verify --shard 1/1'],
    [
      'of a tag pushes it',
      { CODEBUILD_WEBHOOK_TRIGGER: 'tag/v1.2.3' },
      `push --create-repository --shard 1/1 --registry ${ecr} --version v1.2.3`,
    ],
    [
      'with VERSION pushes that',
      { VERSION: 'v2.0.0', SHARD: '2/2' },
      `push --create-repository --shard 2/2 --registry ${ecr} --version v2.0.0`,
    ],
  ])('%s', async (_, variables, command) => {
    const [document] = (await recipe('ci/codebuild/node.yml')).documents;
    const fixed = {
      CODEBUILD_BUILD_ARN: 'arn:aws:codebuild:eu-west-1:123456789012:build/models:1',
      AWS_REGION: 'eu-west-1',
    };
    const script = ['npx() { echo "$@"; }', ...document.phases.build.commands].join('\n');
    const env = { CODEBUILD_WEBHOOK_TRIGGER: undefined, ...document.env.variables, ...fixed, ...variables };
    expect(await run('bash', ['-c', script], { env })).toBe(
      `--yes -p node@24 -p modelcars@${document.env.variables.MODELCARS_VERSION} modelcars ${command}\n`,
    );
  });
});

describe('Dagger', () => {
  test('is pinned to the version of dagger.json, everywhere', () => {
    for (const { path, text } of [...all, docs]) {
      const pins = [
        ...text.matchAll(
          /(?:DAGGER_VERSION\W+(?:value\W+)?|dagger\.io\/engine:v|dagger-helm --version )([\d.]+\d)/g,
        ),
      ];
      expect([path, ...pins.map(([, version]) => version)]).toEqual([path, ...pins.map(() => pin)]);
    }
    for (const { path, text } of byDagger())
      expect([path, /DAGGER_VERSION\W+(value\W+)?\d/.test(text)]).toEqual([path, true]);
  });

  test('is installed from one place', () => {
    for (const one of byDagger()) {
      const places = [...done(one).matchAll(/https?:\/\/[^\s|'"]+/g)].map(([place]) => place);
      expect([one.path, [...new Set(places)]]).toEqual([
        one.path,
        [
          'https://dl.dagger.io/dagger/install.sh',
          // Where a build on AWS gets the credentials of its role.
          ...(one.path === 'ci/codebuild/dagger.yml'
            ? ['http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']
            : []),
        ],
      ]);
    }
  });

  test('is connected to by one line, and called by the same lines in every recipe', () => {
    const pushes = new Set<string>();
    for (const one of byDagger()) {
      const hosts = [
        ...done(one).matchAll(/_EXPERIMENTAL_DAGGER_RUNNER_HOST\W+(?:value: )?'?(\w[\w-]*:\/\/[^\s']+)/g),
      ];
      expect([one.path, hosts.length]).toEqual([one.path, 1]);
      expect(hosts[0]?.[1]).toMatch(
        /^(image:\/\/registry\.dagger\.io\/engine:v|unix:\/\/\/|tcp:\/\/|kube-pod:\/\/)/,
      );
      const lines = daggerLines(one);
      expect(lines.map((line) => line.slice(0, 3).join(' '))).toEqual(
        lines.map(() => '-m $MODELCARS_MODULE call'),
      );
      const push = lines.find((line) => line.includes('push')) ?? [];
      pushes.add(push.filter((word) => word.startsWith('--') && word !== '--models').join(' '));
    }
    expect([...pushes]).toEqual([
      // Amazon ECR: by credentials of AWS.
      '--region --access-key-id --secret-access-key --session-token --address --create-repository --source --version',
      '--source --registry --version --username --password',
    ]);
  });
});

test('without Dagger nothing is privileged and no engine runs', () => {
  for (const one of byNode()) expect(done(one)).not.toMatch(/dagger|privileged: true|docker\.sock|dind/i);
});

test('no secret is on a command line, and no expression in a script', () => {
  for (const one of [...all, docs, action, component, ...own]) {
    for (const line of [...programLines(one), ...daggerLines(one)]) {
      expect(line.join(' ')).not.toMatch(/\$\{?\w*(PASSWORD|TOKEN|SECRET|PSW|KEY)/i);
      for (const [at, word] of line.entries())
        if (/^--(password|.*-token|.*-key|docker-config)$/.test(word))
          expect(line[at + 1]).toMatch(/^(env|file):/);
    }
    // `docker login -p` and the like, and expressions that GitHub would paste into a script.
    expect(done(one)).not.toMatch(/login .*(-p|--password) /);
    for (const document of one.documents) expect(runsOf(document).join('\n')).not.toContain('${{');
  }
});

test('shards cover every model exactly once', () => {
  const lists: [string, string[]][] = [];
  for (const { path, text } of all) {
    for (const [list] of text.matchAll(/\[?(?:'?\d+\/\d+'?, )+'?\d+\/\d+'?\]?/g)) {
      lists.push([path, [...list.matchAll(/\d+\/\d+/g)].map(([shard]) => shard)]);
    }
  }
  expect(lists.map(([path]) => path)).toEqual([
    'ci/codebuild/node.yml',
    'ci/github/node.yml',
    'ci/jenkins/node.Jenkinsfile',
    'ci/tekton/node.yaml',
  ]);
  for (const [path, shards] of lists) {
    const parsed = shards.map((shard) => parseShard(shard, {}));
    expect([path, parsed.map(({ index }) => index)]).toEqual([path, shards.map((_, index) => index + 1)]);
    expect([path, ...parsed.map(({ total }) => total)]).toEqual([path, ...shards.map(() => shards.length)]);
  }
});

test('the Indexed Job passes the number of shards to its pods', async () => {
  const [job] = (await recipe('ci/kubernetes/job.yaml')).documents;
  const [container] = job.spec.template.spec.containers;
  const variable = container.env.find(({ name }: { name: string }) => name === 'MODELCARS_SHARDS');
  expect(job.spec.completionMode).toBe('Indexed');
  expect(variable.value).toBe(String(job.spec.completions));
  expect(job.spec.parallelism).toBe(job.spec.completions);
});

test('docs/guide/ci.md names every file', () => {
  for (const { path } of [...all, action, component]) expect(docs.text).toContain(path);
});

/** The scripts of GitHub's steps. */
function runsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'run' in value && typeof value.run === 'string' ? [value.run] : [];
  return [...own, ...Object.values(value).flatMap(runsOf)];
}
