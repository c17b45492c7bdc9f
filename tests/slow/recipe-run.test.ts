/**
 * Recipes of ci/, the action and the component, run line by line as the CI system would, in folders that hold only models:
 * the packed package comes from an npm registry of the test, and the images go to a real registry.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { makeCatalog, root } from '../parts/cli.ts';
import { type NpmRegistry, startNpmRegistry } from '../parts/npm-registry.ts';
import { missingParts } from '../parts/parts.ts';
import { type PublicHosts, startPublicHosts } from '../parts/public.ts';
import { recipe } from '../parts/recipes.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { type Result, run, tryRun } from '../parts/run.ts';
import { tagsOf } from '../parts/tags.ts';

const missing = await missingParts('docker-registry');
/** `$[[ inputs.name ]]`, which GitLab replaces. */
type Inputs = Record<string, string | number>;

describe.skipIf(missing)('a repository that holds only models', () => {
  let base: string;
  let npm: NpmRegistry;
  let registry: Registry;
  let hosts: PublicHosts;
  /** The checkout of a job. */
  let folder: string;

  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'modelcars-recipes-'));
    npm = await startNpmRegistry(base);
    const model = (name: string) => ({
      name,
      framework: 'sklearn',
      files: { 'model.joblib': `${name}'s model` },
      more: { platforms: ['linux/amd64'], base: 'embedded' },
    });
    await mkdir(join(base, 'models'));
    await makeCatalog(join(base, 'models'), [model('iris'), model('wine')]);
    // The program of the image: installed in a folder of its own, and on PATH.
    await run('npm', ['install', '--offline', '--prefix', join(base, 'image'), npm.tarball]);
  });
  afterAll(async () => {
    await npm?.[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });
  beforeEach(async () => {
    registry = await startRegistry({ kind: 'docker-registry' });
    folder = await mkdtemp(join(base, 'checkout-'));
    for (const name of ['models.yaml', 'models.lock.yaml', 'files'])
      await cp(join(base, 'models', name), join(folder, name), { recursive: true });
    return () => registry[Symbol.asyncDispose]();
  });

  /** Runs a job's script as CI systems do: in bash, ending at the first failure. */
  async function job(script: string, env: Record<string, string | undefined>): Promise<Result> {
    const bare = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
    return await tryRun('bash', ['-eo', 'pipefail', '-c', script], {
      cwd: folder,
      env: {
        CI: 'true',
        HOME: join(base, 'home'),
        XDG_RUNTIME_DIR: join(base, 'home'),
        PATH: [...(env.PATH?.split(':') ?? []), dirname(process.execPath), ...bare].join(':'),
        npm_config_registry: npm.url,
        npm_config_cache: join(base, 'npm'),
        NO_COLOR: '1',
        ...Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'PATH')),
      },
    });
  }

  async function expectPushed(...models: string[]): Promise<void> {
    for (const name of models)
      expect([name, await tagsOf(registry.host, `me/${name}`)]).toEqual([
        name,
        expect.arrayContaining(['v1.2.3', 'v1.2', 'v1', 'latest']),
      ]);
    expect((await readdir(folder)).filter((name) => /^(node_modules|package)/.test(name))).toEqual([]);
  }

  test('gets a package that is built the same twice', async () => {
    await run('npm', ['run', 'build'], { cwd: root });
    const pack = ['pack', '--json', '--dry-run', '--ignore-scripts'];
    const [again] = JSON.parse(await run('npm', pack, { cwd: root }));
    const first = createHash('sha1').update(await readFile(npm.tarball));
    expect(again).toMatchObject({ filename: basename(npm.tarball), shasum: first.digest('hex') });
  });

  test("is verified and pushed by ci/github/node.yml to GitHub's registry", async () => {
    hosts = await startPublicHosts(base, {
      'ghcr.io'(request, response) {
        const { method, url, headers } = request;
        const [host, port] = registry.host.split(':');
        const onward = send({ host, port, method, path: url, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        request.pipe(onward);
      },
    });
    try {
      const [workflow] = (await recipe('ci/github/node.yml')).documents;
      const expressions: Record<string, string> = {
        '${{ matrix.shard }}': '',
        '${{ github.ref_name }}': 'v1.2.3',
        '${{ github.actor }}': 'me',
        '${{ secrets.GITHUB_TOKEN }}': 'a-token-of-the-job',
        '${{ secrets.HF_TOKEN }}': '',
      };
      const steps = async (name: string, shard: string) => {
        const all = { ...workflow.env, ...workflow.jobs[name].env };
        const env = Object.fromEntries(
          Object.entries(all).map(([key, value]) => [key, expressions[String(value)] ?? String(value)]),
        );
        if ('SHARD' in env) env.SHARD = shard;
        for (const { run: script } of workflow.jobs[name].steps) {
          if (script === undefined) continue;
          const result = await job(script, {
            ...hosts.env,
            // npm asks a proxy for everything, also on this machine.
            NO_PROXY: '127.0.0.1',
            NODE_EXTRA_CA_CERTS: hosts.caFile,
            GITHUB_REPOSITORY_OWNER: 'Me',
            ...env,
          });
          expect(result, result.stderr).toMatchObject({ code: 0 });
        }
      };
      await steps('verify', '');
      for (const shard of workflow.jobs.push.strategy.matrix.shard) await steps('push', shard);
      await expectPushed('iris', 'wine');
      expect(npm.requests).toContain('/modelcars');
    } finally {
      await hosts[Symbol.asyncDispose]();
    }
  });

  const gitlab = () => ({
    PATH: join(base, 'image/node_modules/.bin'),
    CI_REGISTRY: registry.host,
    CI_REGISTRY_IMAGE: `${registry.host}/me`,
    CI_REGISTRY_USER: 'me',
    CI_REGISTRY_PASSWORD: 'a-password-of-the-job',
    CI_COMMIT_TAG: 'v1.2.3',
  });
  /** A job's own variables, in which GitLab expands others. */
  const expanded = (variables: Record<string, string> = {}, all: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [
        name,
        value.replaceAll(/\$(\w+)/g, (_, other: string) => all[other] ?? ''),
      ]),
    );
  /** Runs a job of GitLab, as often as `parallel` says. */
  async function gitlabJob(one: { script: string[]; variables?: Record<string, string>; parallel?: number }) {
    const total = one.parallel ?? 1;
    for (let index = 1; index <= total; index++) {
      const node = { CI_NODE_INDEX: `${index}`, CI_NODE_TOTAL: `${total}` };
      const env = { ...gitlab(), ...expanded(one.variables, gitlab()), ...node };
      const result = await job(one.script.join('\n'), env);
      expect(result, result.stderr).toMatchObject({ code: 0 });
    }
  }

  test('is verified and pushed by ci/gitlab/node.yml', async () => {
    const [pipeline] = (await recipe('ci/gitlab/node.yml')).documents;
    await gitlabJob(pipeline.verify);
    await gitlabJob(pipeline.push);
    await expectPushed('iris', 'wine');
  });

  test('is pushed by ci/gitlab/matrix.yml, one job per model', async () => {
    const [pipeline] = (await recipe('ci/gitlab/matrix.yml')).documents;
    await gitlabJob({ ...pipeline.list, variables: pipeline.variables });
    const { push } = parse(await readFile(join(folder, 'push.yml'), 'utf8'));
    expect(push.image).toEqual({ name: pipeline.variables.MODELCARS_IMAGE, entrypoint: [''] });
    const [{ MODEL: models }] = push.parallel.matrix;
    expect(models).toEqual(['iris', 'wine']);
    for (const MODEL of models)
      await gitlabJob({ ...push, variables: { ...push.variables, MODEL }, parallel: 1 });
    await expectPushed('iris', 'wine');
  });

  test('is verified and pushed by the component, with its inputs', async () => {
    const { documents, text } = await recipe('templates/modelcars.yml');
    const { spec } = documents[0];
    const inputs: Inputs = Object.fromEntries(
      Object.entries<{ default: string | number }>(spec.inputs).map(([name, input]) => [name, input.default]),
    );
    inputs.shards = 3;
    const jobs = parse(
      text
        .slice(text.indexOf('\n---\n') + 5)
        .replaceAll(
          /\$\[\[ inputs\.(\w+) \]\]/g,
          (_, name: string) => `${inputs[name] ?? `no input ${name}`}`,
        ),
    );
    expect(jobs['modelcars-push'].parallel).toBe(3);
    await gitlabJob(jobs['modelcars-verify']);
    await gitlabJob(jobs['modelcars-push']);
    await expectPushed('iris', 'wine');
  });

  describe('the action', () => {
    const step = async (args: string, command = 'push') => {
      const [action] = (await recipe('action.yml')).documents;
      const output = join(folder, '..', 'output');
      await rm(output, { force: true });
      const given: Record<string, string> = { command, args, version: action.inputs.version.default };
      const { run: script, env } = action.runs.steps.at(-1);
      const variables = Object.entries<string>(env).map(([name, value]) => {
        const input = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(value)?.[1] ?? '';
        return [name, given[input]];
      });
      const result = await job(script, { ...Object.fromEntries(variables), GITHUB_OUTPUT: output });
      return { ...result, output: await readFile(output, 'utf8') };
    };

    test('pushes, and its output is the JSON document', async () => {
      const { code, stderr, output } = await step(`--registry ${registry.host}/me\n--version v1.2.3`);
      expect(code, stderr).toBe(0);
      await expectPushed('iris', 'wine');
      const [, end, json = '', last] = /^json<<(\S+)\n([\s\S]*)\n(\S+)\n$/.exec(output) ?? [];
      expect(end).toBe(last);
      expect(JSON.parse(json)).toMatchObject({ ok: true, models: [{ status: 'done' }, { status: 'done' }] });
    });

    test('fails with the command, and still has an output', async () => {
      const { code, output } = await step(`--registry ${registry.host}/me --tag ../x`);
      expect(code).not.toBe(0);
      expect(output).toMatch(/^json<</);
    });

    test.each([
      '$(touch stolen)',
      '`touch stolen`',
      '; touch stolen',
      '" || touch stolen #',
      '* --only name=i*',
    ])('runs no code in its inputs: %s', async (text) => {
      const { stdout, stderr } = await step(`--dry-run --registry ${registry.host}/me ${text}`);
      expect(await readdir(folder)).not.toContain('stolen');
      // No file name of the folder took the place of a pattern.
      expect(stdout + stderr).not.toContain('models.lock.yaml ');
    });
  });
});
