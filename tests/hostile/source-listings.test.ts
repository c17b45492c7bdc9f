import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { tryModelcars } from '../parts/cli.ts';

/** Hubs and S3 servers whose lists of files have no end, no sense, or lead elsewhere. */
let folder: string;
const servers: Server[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'listings-'));
  for (const [name, source] of Object.entries({ hub: 'hf://org/m', s3: 's3://models/m' })) {
    await mkdir(join(folder, name));
    const models = [{ name: 'm', framework: 'vllm', source, base: 'embedded' }];
    await writeFile(join(folder, name, 'models.yaml'), stringify({ models }));
  }
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Peer {
  url: string;
  requests: IncomingMessage[];
  /** Bytes of bodies that `flood` sent. */
  sent: number;
}
type Answer = (request: IncomingMessage, response: ServerResponse, peer: Peer) => unknown;

async function serve(answer: Answer): Promise<Peer> {
  const server = createServer((request, response) => {
    request.resume();
    response.on('error', () => {});
    peer.requests.push(request);
    answer(request, response, peer);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const peer: Peer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    sent: 0,
  };
  return peer;
}

/** Sends a gigabyte of blanks between two texts. */
function flood(response: ServerResponse, peer: Peer, [start, end]: [string, string]): void {
  const blanks = Buffer.alloc(1 << 20, ' ');
  response.write(start);
  const go = (): void => {
    while (peer.sent < 1 << 30) {
      peer.sent += blanks.length;
      if (!response.write(blanks)) return void response.once('drain', go);
    }
    response.end(end);
  };
  go();
}

/** Locks the one model; it must fail soon, in little memory, with our words and without a lock. Returns stderr. */
async function refuse(kind: 'hub' | 's3', peer: Peer): Promise<string> {
  const env = {
    // Six times less than the largest of the answers.
    NODE_OPTIONS: '--max-old-space-size=160',
    HF_ENDPOINT: peer.url,
    HF_TOKEN: 'hf_abcdefghijklmnopqrstuvwxyz',
    S3_ENDPOINT_URL: peer.url,
    AWS_ACCESS_KEY_ID: 'AKIAXXXXXXXXXXXXXXXX',
    AWS_SECRET_ACCESS_KEY: 'secret-of-nobody-at-all',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const { code, stderr } = await tryModelcars(['lock'], { cwd: join(folder, kind), env, timeout: 100_000 });
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(/^error: m: /m);
  expect(stderr).not.toMatch(/\bbug\b|RangeError|TypeError|call stack|heap|no answer from/);
  expect(await readdir(join(folder, kind))).not.toContain('models.lock.yaml');
  return stderr;
}

describe('a hub', () => {
  const commit = 'a'.repeat(40);
  const json = (response: ServerResponse, value: unknown, headers = {}) =>
    response
      .writeHead(200, { 'content-type': 'application/json', ...headers })
      .end(typeof value === 'string' ? value : JSON.stringify(value));
  const info = {
    _id: 'x',
    id: 'org/m',
    sha: commit,
    lastModified: '2024-01-01',
    private: false,
    gated: false,
  };
  /** A hub whose list is what `tree` answers; `count` is that of the page, from 0. */
  const hub = (
    tree: (response: ServerResponse, next: (cursor: number) => object, count: number, peer: Peer) => unknown,
  ) => {
    let count = 0;
    return serve((request, response, peer) => {
      if (request.url?.includes('/revision/')) return json(response, info);
      const next = (cursor: number) => ({
        link: `<${peer.url}/api/models/org/m/tree/${commit}?cursor=${cursor}>; rel="next"`,
      });
      return tree(response, next, count++, peer);
    });
  };
  const files = (count: number, page: number, type = 'file') =>
    Array.from({ length: count }, (_, at) => ({
      type,
      path: `${page}-${at}.bin`,
      size: 1,
      oid: 'b'.repeat(40),
    }));

  test.each<[string, Parameters<typeof hub>[0], RegExp]>([
    [
      'pages of files without end',
      (response, next, count) => json(response, files(1000, count), next(count)),
      /lists more than 100000 files/,
    ],
    [
      'pages of folders without end',
      (response, next, count) => json(response, files(5000, count, 'directory'), next(count)),
      /lists more than 200000 files and folders/,
    ],
    [
      'empty pages without end',
      (response, next, count) => json(response, [], next(count)),
      /on more than 2000 pages/,
    ],
    [
      'pages in a circle',
      (response, next, count) => json(response, files(2, count), next(count % 3)),
      /the same page of files again and again/,
    ],
    [
      'a next page that is itself',
      (response, next) => json(response, [], next(0)),
      /the same page of files again and again/,
    ],
    [
      'a page of 1 GB',
      (response, _next, _count, peer) => flood(response, peer, ['[', ']']),
      /answered more than 33554432 bytes/,
    ],
    [
      'pages of 20 MB',
      (response, next, count) => json(response, `[${' '.repeat(20e6)}]`, next(count)),
      /in more than 256 MiB of answers/,
    ],
    ['entries that are none', (response) => json(response, [null, 1, 'x', {}]), /is not a hub's answer/],
    [
      'a file of 8 PiB',
      (response) => json(response, [{ type: 'file', path: 'x', size: Number.MAX_SAFE_INTEGER }]),
      /lists x with 9007199254740991 bytes/,
    ],
    [
      'a file of -1 bytes',
      (response) => json(response, [{ type: 'file', path: 'x', size: -1 }]),
      /without path or size/,
    ],
    [
      'a path that leads out on Windows',
      (response) =>
        json(response, [
          { type: 'file', path: '..\\x.safetensors', size: 1 },
          { type: 'file', path: 'config.json', size: 1 },
          { type: 'file', path: 'tokenizer.json', size: 1 },
          { type: 'file', path: 'model.safetensors', size: 1 },
        ]),
      /the path \.\.\\x\.safetensors holds a backslash/,
    ],
    [
      'lists in lists, 100,000 deep',
      (response) => json(response, `${'['.repeat(1e5)}${']'.repeat(1e5)}`),
      /found nothing/,
    ],
  ])('with %s is refused', async (_, tree, message) => {
    const peer = await hub(tree);
    expect(await refuse('hub', peer)).toMatch(message);
    expect(peer.sent).toBeLessThan(200e6);
  });

  test('whose list goes on on another host is not followed there', async () => {
    const other = await serve((_request, response) => json(response, []));
    for (const url of [other.url, 'http://169.254.169.254/latest']) {
      const peer = await hub((response, _next, count) =>
        json(response, files(2, count), { link: `<${url}/x>; rel="next"` }),
      );
      expect(await refuse('hub', peer)).toMatch(/continues its list of files on /);
    }
    expect(other.requests).toEqual([]);
  });

  test.each<[string, Answer, RegExp]>([
    [
      'of 1 GB',
      (_request, response, peer) => flood(response, peer, ['{', '}']),
      /answered more than 33554432 bytes/,
    ],
    ['of null', (_request, response) => json(response, null), /is not a hub's answer/],
    [
      'of a commit that is none',
      (_request, response) => json(response, { ...info, sha: '../../main' }),
      /names no commit/,
    ],
    [
      'of a page about signing in',
      (_request, response) => response.end('<html>Sign in</html>'),
      /is not a hub's answer/,
    ],
  ])('with a model card %s is refused', async (_, answer, message) => {
    const peer = await serve(answer);
    expect(await refuse('hub', peer)).toMatch(message);
    expect(peer.sent).toBeLessThan(200e6);
  });

  test('with a model card 100,000 deep loses only the card', async () => {
    const deep = `${'['.repeat(1e5)}${']'.repeat(1e5)}`;
    const config = '{"architectures":["LlamaForCausalLM"]}';
    const peer = await serve((request, response) => {
      const start = JSON.stringify({ ...info, pipeline_tag: 'text-generation' }).slice(0, -1);
      if (request.url?.includes('/revision/'))
        return json(
          response,
          `${start},"library_name":${deep},"cardData":{"license":${deep},"base_model":"org/x"}}`,
        );
      if (request.url?.includes('/resolve/')) return response.end(config);
      return json(response, [
        { type: 'file', path: 'config.json', size: config.length },
        {
          type: 'file',
          path: 'model.safetensors',
          size: 9,
          lfs: { oid: 'c'.repeat(64), size: 9, pointerSize: 100 },
        },
        {
          type: 'file',
          path: 'tokenizer.json',
          size: 9,
          lfs: { oid: 'c'.repeat(64), size: 9, pointerSize: 100 },
        },
      ]);
    });
    const cwd = join(folder, 'hub');
    const { code, stdout, stderr } = await tryModelcars(['lock', '--dry-run', '--json'], {
      cwd,
      env: { HF_ENDPOINT: peer.url, HF_TOKEN: '' },
    });
    // Whatever else is asked of the files, the card is no reason to fail.
    expect(stdout + stderr).not.toMatch(/not a hub's answer|bug|RangeError/);
    expect([0, 1]).toContain(code);
  });
});

describe('an S3 server', () => {
  const listing = (items: string, more = '') =>
    `<?xml version="1.0"?><ListBucketResult><Name>models</Name><EncodingType>url</EncodingType>${items}${more}</ListBucketResult>`;
  const objects = (count: number, key: (at: number) => string, size: number | string = 1) =>
    Array.from(
      { length: count },
      (_, at) => `<Contents><Key>${key(at)}</Key><Size>${size}</Size><ETag>"x"</ETag></Contents>`,
    ).join('');
  const more = (token: string) =>
    `<IsTruncated>true</IsTruncated>${token && `<NextContinuationToken>${token}</NextContinuationToken>`}`;
  /** A server whose every page is what `page` returns; `count` is that of the page, from 0. */
  const s3 = (page: (count: number, response: ServerResponse, peer: Peer) => string | undefined) => {
    let count = 0;
    return serve((request, response, peer) => {
      if (!request.url?.includes('list-type=2')) return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'application/xml' });
      const text = page(count++, response, peer);
      return text === undefined ? undefined : response.end(text);
    });
  };
  const laughs = [...'bcdefghij'].map(
    (name, at) => `<!ENTITY ${name} "${`&${'abcdefghij'[at]};`.repeat(10)}">`,
  );

  test.each<[string, Parameters<typeof s3>[0], RegExp]>([
    [
      'pages of objects without end',
      (count) =>
        listing(
          objects(1000, (at) => `m/${count}-${at}`),
          more(`t${count}`),
        ),
      /more than 100000 objects/,
    ],
    [
      'pages of folders without end',
      (count) =>
        listing(
          objects(4000, (at) => `m/${count}-${at}/`, 0),
          more(`t${count}`),
        ),
      /lists more than 200000 objects/,
    ],
    ['empty pages without end', (count) => listing('', more(`t${count}`)), /more than 1000 pages of objects/],
    [
      'the same token for ever',
      () =>
        listing(
          objects(2, (at) => `m/${at}`),
          more('t'),
        ),
      /the same page again and again/,
    ],
    [
      'tokens in a circle',
      (count) =>
        listing(
          objects(2, (at) => `m/${at}`),
          more(`t${count % 3}`),
        ),
      /the same page again and again/,
    ],
    [
      'more to come and no token',
      () =>
        listing(
          objects(2, (at) => `m/${at}`),
          more(''),
        ),
      /there are more objects, and not where/,
    ],
    [
      'a page of 1 GB',
      (_count, response, peer) => void flood(response, peer, ['<ListBucketResult>', '</ListBucketResult>']),
      /answered more than 16777216 bytes/,
    ],
    [
      'objects of another prefix',
      () => listing(objects(2, (at) => `secret/${at}`)),
      /do not begin with the prefix/,
    ],
    ['a negative size', () => listing(objects(2, (at) => `m/${at}`, -1)), /a size that is none/],
    [
      'a size of 8 EiB',
      () => listing(objects(2, (at) => `m/${at}`, '9223372036854775807')),
      /a size that is none/,
    ],
    [
      '100,000 elements in each other',
      () => listing('<Contents>'.repeat(1e5) + '</Contents>'.repeat(1e5)),
      /is not an S3 answer/,
    ],
    [
      'entities that grow to a gigabyte',
      () =>
        `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "${'a'.repeat(99)}">${laughs.join('')}]><ListBucketResult><Contents><Key>m/&j;</Key></Contents></ListBucketResult>`,
      /not an S3 answer|there is no object|do not begin/,
    ],
    ['what is no XML', () => 'this is not XML <<<', /is not an S3 answer/],
    ['a page about signing in', () => '<html><body>Sign in</body></html>', /is no list of objects/],
    ['nothing', () => '', /is no list of objects/],
  ])('that answers %s is refused', async (_, page, message) => {
    const peer = await s3(page);
    expect(await refuse('s3', peer)).toMatch(message);
    expect(peer.sent).toBeLessThan(200e6);
  });
});
