/** Misbehaving registries, hubs, servers and object stores: endless lists, trickling responses, waits of hours. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { makeCatalog, tryModelcars } from '../parts/cli.ts';
import { type FakeOptions, startFake } from '../support/fake-registry.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-manners-'));
  await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'model' } }]);
});
afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse, host: string) => unknown;

/** Runs a command against a server with this behaviour; REGISTRY in its arguments is the server. */
async function run(
  args: string[] | ((host: string) => Promise<string[]>),
  answer: Answer,
  env: (host: string) => Record<string, string | undefined> = () => ({}),
) {
  const intercept: FakeOptions['intercept'] = (request, response, { host }) => {
    request.resume();
    return answer(request, response, host) !== undefined;
  };
  await using fake = await startFake({ intercept });
  const begun = performance.now();
  const result = await tryModelcars(
    (typeof args === 'function' ? await args(fake.host) : args).map((one) =>
      one.replaceAll('REGISTRY', fake.host),
    ),
    // A heap too small for any endless list.
    { cwd: folder, timeout: 150_000, env: { NODE_OPTIONS: '--max-old-space-size=256', ...env(fake.host) } },
  );
  const seconds = (performance.now() - begun) / 1000;
  return { ...result, seconds, requests: fake.requests.length };
}

/** Refuses HEAD, whose response has no body to trickle. */
function noHead(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === 'HEAD') response.writeHead(405).end();
  return request.method === 'HEAD';
}

/** Sends a byte now and then, endlessly. */
function trickle(response: ServerResponse, status: number, headers = {}): true {
  response.writeHead(status, headers).flushHeaders();
  const timer = setInterval(() => response.write(' '), 500);
  response.on('close', () => clearInterval(timer));
  return true;
}

const push = ['push', '--registry', 'REGISTRY/me', '--base', 'embedded'];
const inspect = ['inspect', 'REGISTRY/me/iris:v1'];

describe('a list of tags', () => {
  const tags = (page: (number: number) => { tags: unknown; more?: boolean; pad?: number }): Answer => {
    let number = 0;
    return (request, response) => {
      if (!request.url?.includes('/tags/list')) return undefined;
      const { tags, more = true, pad = 0 } = page(++number);
      const link = `</v2/me/iris/tags/list?last=${number}>; rel="next"`;
      response.writeHead(200, more ? { link } : {});
      return response.end(`${JSON.stringify({ tags })}${' '.repeat(pad)}`);
    };
  };
  const many = (count: number) => (number: number) => ({
    tags: Array.from({ length: count }, (_, at) => `build-${number}-${at}-${'x'.repeat(60)}`),
  });

  test.concurrent.each([
    ['of ever more tags', many(10_000), 'lists more than 100000 tags'],
    ['of the same tags', () => ({ tags: ['v0.1.0'] }), 'sends one page after another without a new tag'],
    ['of nothing', () => ({ tags: [] }), 'sends one page after another without a new tag'],
    [
      'in one page without end',
      () => ({ tags: [], pad: 8_000_000 }),
      'sends a page of more than 4194304 bytes',
    ],
    ['of something else', () => ({ tags: 7, more: false }), 'the registry answered no list of tags'],
  ])('%s is refused after a limit', async (_, page, words) => {
    const { code, stderr, requests } = await run(push, tags(page));
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/heap|Set maximum|bug|try 2/);
    expect(code).toBe(1);
    expect(requests).toBeLessThan(50);
  });
});

describe('a response that trickles', () => {
  const slowly = /127\.0\.0\.1:\d+ sends its answer too slowly \(\d+ bytes in \d+ s\)/;

  test.concurrent.each<[string, string[], Answer]>([
    [
      'manifest',
      inspect,
      (_, response) => trickle(response, 200, { 'content-type': 'application/vnd.oci.image.index.v1+json' }),
    ],
    [
      'list of tags',
      push,
      (request, response) => (request.url?.includes('/tags/') ? trickle(response, 200) : undefined),
    ],
    [
      'token',
      inspect,
      (request, response, host) => {
        if (request.url?.startsWith('/token')) return trickle(response, 200);
        return response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` }).end();
      },
    ],
  ])('as a %s ends with its own message', async (_, args, answer) => {
    const { code, stderr, seconds } = await run(args, answer);
    expect(stderr).toMatch(slowly);
    expect(stderr).not.toMatch(/try 2|no answer/);
    expect(code).toBe(1);
    expect(seconds).toBeLessThan(120);
  });

  test.concurrent.each<[string, number, RegExp, Record<string, string>]>([
    ['refusal', 403, /requires credentials and got none: 403/, {}],
    [
      'refusal with a challenge',
      401,
      /requires credentials and got none: 401/,
      { 'www-authenticate': 'Basic realm="x"' },
    ],
    ['"not found"', 404, /there is no|not found|no such|has no/i, {}],
    ['redirect', 307, /redirects more than 5 times/, { location: '/v2/again' }],
  ])('as a %s delays nothing', async (_, status, words, headers) => {
    const { code, stderr, seconds } = await run(
      inspect,
      (request, response) => noHead(request, response) || trickle(response, status, headers),
    );
    expect(stderr).toMatch(words);
    expect(code).toBe(1);
    expect(seconds).toBeLessThan(90);
  });

  test.concurrent("as a hub's listing ends as well", async () => {
    const file = await catalog('trickle', 'hf://org/model', 'vllm');
    const env = (host: string) => ({ HF_ENDPOINT: `http://${host}`, HF_TOKEN: undefined, HF_HOME: folder });
    const { code, stderr } = await run(
      ['lock', '--file', file],
      (_, response) => trickle(response, 200),
      env,
    );
    expect(stderr).toMatch(slowly);
    expect(code).toBe(1);
  });

  test.concurrent('as an endless error body is cut off', async () => {
    const { code, stderr } = await run(inspect, (request, response) => {
      if (noHead(request, response)) return true;
      response.writeHead(403).flushHeaders();
      const timer = setInterval(() => response.write('<b>no</b>'.repeat(1000)), 5);
      response.on('close', () => clearInterval(timer));
      return true;
    });
    expect(stderr).toMatch(/requires credentials and got none: 403/);
    expect(stderr.length).toBeLessThan(2000);
    expect(code).toBe(1);
  });
});

describe('Retry-After of two hours', () => {
  const busy =
    (status: number, body = ''): Answer =>
    (_, response) =>
      response.writeHead(status, { 'retry-after': '7200' }).end(body);

  test.concurrent.each<
    [
      string,
      (host: string) => Promise<string[]>,
      Answer,
      (host: string) => Record<string, string | undefined>,
    ]
  >([
    ['registry', async () => inspect, busy(429), () => ({})],
    ['registry that is pushed to', async () => push, busy(503), () => ({})],
    [
      'hub',
      async () => ['lock', '--file', await catalog('hub', 'hf://org/model', 'vllm')],
      busy(429),
      (host) => ({ HF_ENDPOINT: `http://${host}`, HF_TOKEN: undefined, HF_HOME: folder }),
    ],
    [
      'web server',
      async (host) => ['lock', '--file', await catalog('https', `http://${host}/model.onnx`, 'onnx')],
      busy(503),
      () => ({}),
    ],
    [
      'S3',
      async () => ['lock', '--file', await catalog('s3', 's3://models/m', 'sklearn')],
      busy(503, '<Error><Code>SlowDown</Code></Error>'),
      (host) => ({
        S3_ENDPOINT_URL: `http://${host}`,
        AWS_ACCESS_KEY_ID: 'AKIATESTTESTTEST0001',
        AWS_SECRET_ACCESS_KEY: 'secret-secret-secret',
        AWS_REGION: 'us-east-1',
      }),
    ],
  ])('from a %s is not waited for', async (_, args, answer, env) => {
    const { code, stderr, seconds } = await run(args, answer, env);
    expect(stderr).toMatch(/asks to wait 2 h \(Retry-After\)/);
    expect(code).toBe(1);
    expect(seconds).toBeLessThan(90);
  });
});

/** A catalog with one model; returns the file's name. */
async function catalog(name: string, source: string, framework: string): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  const models = [{ name, framework, source, base: 'embedded', version: 'v1.0.0' }];
  await writeFile(file, stringify({ models }));
  return file;
}
