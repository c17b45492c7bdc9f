/** Public hosts that redirect to addresses only the client can reach: loopback, private networks, cloud metadata. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { makeCatalog, tryModelcars } from '../parts/cli.ts';
import { type PublicHosts, startPublicHosts } from '../parts/public.ts';
import { startFake } from '../support/fake-registry.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

let folder: string;
let hosts: PublicHosts;
let answer: Answer;
let paths: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-redirects-'));
  const serve: Answer = (request, response) => {
    paths.push(request.url ?? '');
    request.resume();
    answer(request, response);
  };
  hosts = await startPublicHosts(folder, { 'public.test': serve, 'other.test': serve });
  await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'model' } }]);
});
afterAll(async () => {
  await hosts?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  paths = [];
});

const run = (args: string[], env: Record<string, string | undefined> = {}) =>
  tryModelcars([...args, '--ca-file', hosts.caFile], {
    cwd: folder,
    env: { ...hosts.env, ...env },
    timeout: 60_000,
  });
const redirect =
  (location: string, status = 307): Answer =>
  (_, response) =>
    response.writeHead(status, { location }).end();
const inspect = ['inspect', 'public.test/me/iris:v1'];
/** A target that only the client can reach, in every notation of its address. */
const hidden = (): [location: string, shown: string][] => [
  [`https://127.0.0.1:${hosts.victim.port}/x`, '127.0.0.1'],
  [`https://localhost:${hosts.victim.port}/x`, '(127.0.0.1|::1)'],
  [`https://[::ffff:127.0.0.1]:${hosts.victim.port}/x`, '::ffff:7f00:1'],
  [`https://2130706433:${hosts.victim.port}/x`, '127.0.0.1'],
  ['https://169.254.169.254/latest/meta-data/', '169.254.169.254'],
  ['https://[fd00:ec2::254]/latest/meta-data/', 'fd00:ec2::254'],
  ['https://10.0.0.1/x', '10.0.0.1'],
];

/** Asserts one plain failure, immediately, and no request to the target. */
function expectRefused(
  { code, stderr }: { code: number | undefined; stderr: string },
  shown: string,
  tries = 1,
): void {
  expect(stderr).toMatch(
    new RegExp(`public\\.test points to \\S+, which has the private address \\[?${shown}`),
  );
  expect(stderr).not.toMatch(/try \d in|refuses connections|does not answer|connection to .* broke/);
  expect(code).toBe(1);
  expect(paths).toHaveLength(tries);
  expect(hosts.victim.connections()).toBe(0);
  expect(hosts.connects.filter((target) => !/^(public|other)\.test:443$/.test(target))).toEqual([]);
}

describe('a public registry', () => {
  test('cannot redirect a manifest request to a private address', async () => {
    for (const [location, shown] of hidden()) {
      paths = [];
      answer = redirect(location);
      expectRefused(await run(inspect), shown);
    }
  });

  test('cannot do so through another public host', async () => {
    answer = (request, response) =>
      redirect(
        request.headers.host === 'public.test'
          ? 'https://other.test/x'
          : `https://127.0.0.1:${hosts.victim.port}/x`,
      )(request, response);
    const { code, stderr } = await run(inspect);
    expect(stderr).toMatch(
      /other\.test points to 127\.0\.0\.1:\d+, which has the private address 127\.0\.0\.1/,
    );
    expect([code, hosts.victim.connections()]).toEqual([1, 0]);
  });

  test('cannot redirect to http, even on this machine', async () => {
    for (const location of ['http://other.test/x', `http://127.0.0.1:${hosts.victim.port}/x`]) {
      answer = redirect(location);
      const { code, stderr } = await run(inspect);
      expect(stderr).toMatch(/public\.test redirects to http:\S+, which is not https/);
      expect([code, hosts.victim.connections()]).toEqual([1, 0]);
    }
  });

  test('cannot name a token server at a private address, which would get the password', async () => {
    answer = (_, response) =>
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="https://127.0.0.1:${hosts.victim.port}/token"` })
        .end();
    const env = {
      MODELCARS_REGISTRY_HOST: 'public.test',
      MODELCARS_REGISTRY_USERNAME: 'me',
      MODELCARS_REGISTRY_PASSWORD: 's3cret',
    };
    expectRefused(await run(inspect, env), '127.0.0.1');
  });

  test('cannot direct an upload to a private address', async () => {
    answer = (request, response) => {
      if (request.method !== 'POST') return response.writeHead(404).end();
      const location = `https://127.0.0.1:${hosts.victim.port}/upload`;
      return response.writeHead(202, { location }).end();
    };
    const { code, stderr } = await run(['push', '--registry', 'public.test/me', '--base', 'embedded']);
    expect(stderr).toMatch(/public\.test points to 127\.0\.0\.1:\d+, which has the private address/);
    expect([code, hosts.victim.connections()]).toEqual([1, 0]);
  });

  test('cannot place its next page of tags on another host', async () => {
    answer = (request, response) => {
      if (!request.url?.includes('/tags/')) return response.writeHead(404).end();
      const link = `<https://127.0.0.1:${hosts.victim.port}/v2/me/iris/tags/list>; rel="next"`;
      return response.writeHead(200, { link }).end('{"tags":["v0.1.0"]}');
    };
    const { stderr } = await run(['push', '--registry', 'public.test/me', '--base', 'embedded']);
    expect(stderr).toContain('the next page is on another host');
    expect(hosts.victim.connections()).toBe(0);
  });

  test('cannot redirect in a circle', async () => {
    answer = redirect('/v2/again');
    const { code, stderr } = await run(inspect);
    expect(stderr).toContain('public.test redirects more than 5 times');
    expect([code, paths.length]).toEqual([1, 6]);
  });
});

describe('sources', () => {
  const lock = async (source: string, framework: string, env: Record<string, string | undefined> = {}) => {
    const file = join(folder, 'source.yaml');
    await writeFile(file, stringify({ models: [{ name: 'm', framework, source, version: 'v1.0.0' }] }));
    return await run(['lock', '--base', 'embedded', '--file', file], env);
  };

  test('at a public URL cannot redirect to a private address', async () => {
    for (const [location, shown] of hidden()) {
      paths = [];
      answer = redirect(location, 302);
      expectRefused(await lock('https://public.test/model.onnx', 'onnx'), shown);
    }
  });

  test('of a public hub cannot redirect to a private address, for a listing or a file', async () => {
    const env = { HF_ENDPOINT: 'https://public.test', HF_TOKEN: undefined, HF_HOME: folder };
    answer = redirect(`https://127.0.0.1:${hosts.victim.port}/x`, 302);
    expectRefused(await lock('hf://org/model', 'vllm', env), '127.0.0.1');
    const commit = 'a'.repeat(40);
    answer = (request, response) => {
      if (request.url?.includes('/resolve/'))
        return redirect(`https://127.0.0.1:${hosts.victim.port}/x`, 302)(request, response);
      const file = (path: string, size: number) => ({ type: 'file', path, size, oid: 'b'.repeat(40) });
      // One small file, and one that is read in ranges.
      const files = [file('config.json', 2), file('model.safetensors', 9_000_000)];
      const info = {
        id: 'org/model',
        _id: '1',
        sha: commit,
        private: false,
        gated: false,
        downloads: 0,
        likes: 0,
        lastModified: '2024-01-01T00:00:00.000Z',
      };
      return response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(request.url?.includes('/tree/') ? files : info));
    };
    for (const include of ['config.json', '*.safetensors']) {
      const file = join(folder, 'source.yaml');
      const model = {
        name: 'm',
        framework: 'vllm',
        source: 'hf://org/model',
        include: [include],
        version: 'v1.0.0',
      };
      await writeFile(file, stringify({ models: [model] }));
      const { stderr } = await run(['lock', '--base', 'embedded', '--file', file], env);
      expect([include, stderr]).toEqual([
        include,
        expect.stringMatching(/public\.test points to 127\.0\.0\.1:\d+, which has the private address/),
      ]);
      expect(hosts.victim.connections()).toBe(0);
    }
  });
});

describe('hosts that the user named', () => {
  test('a redirect to a named private host is followed', async () => {
    answer = redirect(`https://127.0.0.1:${hosts.victim.port}/x`);
    const { stderr } = await run([...inspect, '--insecure', `127.0.0.1:${hosts.victim.port}`]);
    // The victim responds with "internal", which is no manifest. This test is last, because it counts connections.
    expect(stderr).toContain('public.test does not say what it is');
    expect(hosts.victim.connections()).toBeGreaterThan(0);
  });

  test('a registry at a private address can redirect to another', async () => {
    await using storage = await startFake({
      intercept: (_, response) => {
        response.writeHead(404).end();
        return true;
      },
    });
    await using registry = await startFake({
      intercept: (request, response) => {
        response.writeHead(307, { location: `http://${storage.host}${request.url}` }).end();
        return true;
      },
    });
    await tryModelcars(['inspect', `${registry.host}/me/iris:v1`], { cwd: folder });
    expect(storage.requests.length).toBeGreaterThan(0);
  });
});
