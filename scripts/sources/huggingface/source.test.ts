import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Hub, startHub } from '../../../tests/parts/hub.ts';
import { generated, generatedHash } from '../../../tests/parts/hub-content.ts';
import type { Fault } from '../../../tests/parts/hub-faults.ts';
import { ModelcarsError } from '../../errors.ts';
import { rangeSize } from '../../http/ranges/read.ts';
import type { LockedFile } from '../../model/types.ts';
import { HubSource, type HubSourceOptions } from './source.ts';

const readme =
  '---\nlicense: llama3.1\nbase_model: org/base\npipeline_tag: text-generation\n---\n# A model\n';
const large = { size: 30_000_000, generate: 7 };
const all = () => true;
const uri = 'hf://org/model';
const token = 'hf_ThisIsASecretOfOurs1234';

let hub: Hub;
const sources: HubSource[] = [];

beforeAll(async () => {
  hub = await startHub({
    models: {
      'org/model': {
        files: {
          'README.md': readme,
          'config.json': '{"a": 1}',
          'deep/odd name #1?.txt': 'hello',
          empty: '',
          'model.safetensors': large,
          'small.safetensors': 'few bytes',
        },
        revisions: { 'v1.0': { 'config.json': '{"a": 0}' }, 'refs/pr/1': { 'config.json': '{"a": 2}' } },
      },
      'org/moving': { files: { 'config.json': 'before' } },
      'org/gated': { files: { 'model.safetensors': 'secret' }, gated: 'auto' },
      'org/private': { files: { 'config.json': '{}' }, private: true },
      'org/hostile': {
        files: {
          '../../etc/passwd': 'x',
          '/absolute': 'x',
          'nul\0': 'x',
          'back\\slash': 'x',
          'a/Model.bin': 'x',
          'a/model.bin': 'y',
          'good.txt': 'good',
        },
      },
    },
    renamed: { 'old/model': 'org/model' },
    tokens: {
      [token]: { user: 'me', accepted: ['org/gated'], private: ['org/private'] },
      hf_new: { user: 'new' },
      hf_waiting: { user: 'waiting', pending: ['org/gated'] },
      hf_fine: { user: 'fine', gatedRights: false },
    },
    pageSize: 2,
  });
});
afterAll(async () => await hub?.stop());
afterEach(async () => {
  hub.forgive();
  expect(hub.requests().filter(({ part, authorized }) => part === 'cdn' && authorized)).toEqual([]);
  await Promise.all(sources.splice(0).map((source) => source.close()));
});

function open(env: NodeJS.ProcessEnv = {}, options: HubSourceOptions = {}): HubSource {
  const made = new HubSource({
    env: { HF_ENDPOINT: hub.url, HOME: '/nonexistent', ...env },
    retry: { delay: 1 },
    ...options,
  });
  sources.push(made);
  return made;
}

/** What the hub is asked while something runs. */
async function during<T>(work: () => Promise<T>): Promise<{ result: T; asked: ReturnType<Hub['requests']> }> {
  const before = hub.requests().length;
  const result = await work();
  return { result, asked: hub.requests().slice(before) };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

async function failure(promise: Promise<unknown>): Promise<ModelcarsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ModelcarsError);
  return error as ModelcarsError;
}

function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('resolve', () => {
  it('gives a commit and every file with its sha256, and fetches no file that the hub knows the hash of', async () => {
    const { result, asked } = await during(() => open().resolve(uri, all));
    expect(result).toEqual({
      revision: hub.sha('org/model'),
      files: [
        { path: 'README.md', size: readme.length, sha256: sha256(readme) },
        { path: 'config.json', size: 8, sha256: sha256('{"a": 1}') },
        { path: 'deep/odd name #1?.txt', size: 5, sha256: sha256('hello') },
        { path: 'empty', size: 0, sha256: sha256('') },
        { path: 'model.safetensors', size: large.size, sha256: generatedHash(large) },
        { path: 'small.safetensors', size: 9, sha256: sha256('few bytes') },
      ],
      metadata: { base_model: 'org/base', license: 'llama3.1', pipeline_tag: 'text-generation' },
    });
    expect(asked.filter(({ part }) => part === 'cdn')).toEqual([]);
    expect(asked.filter(({ path }) => path.includes('/tree/')).length).toBeGreaterThan(2);
  });

  it('reads nothing of files that are not chosen, but shows all to who chooses', async () => {
    const seen: string[] = [];
    const select = (path: string) => {
      seen.push(path);
      return path === 'small.safetensors';
    };
    const { result, asked } = await during(() => open().resolve(uri, select));
    expect(result.files.map(({ path }) => path)).toEqual(['small.safetensors']);
    expect(seen).toHaveLength(6);
    expect(asked.filter(({ part }) => part !== 'api')).toEqual([]);
  });

  it.each(['v1.0', 'refs/pr/1'])(
    'finds the revision %s, and that revision by its commit',
    async (revision) => {
      const commit = hub.sha('org/model', revision);
      const named = await open().resolve(`${uri}:${revision}`, all);
      expect(named.revision).toBe(commit);
      expect(await open().resolve(`${uri}:${commit}`, all)).toEqual(named);
      expect(named.files).toHaveLength(1);
    },
  );

  it('looks a revision up once in a run, however the branch moves', async () => {
    const source = open();
    const first = await source.resolve('hf://org/moving', all);
    await hub.commit('org/moving', { 'config.json': 'after' });
    expect(await source.resolve('hf://org/moving', all)).toEqual(first);
    expect((await open().resolve('hf://org/moving', all)).revision).not.toBe(first.revision);
    const [file] = first.files;
    if (!file) throw new Error('no file');
    expect(String(await collect(open().open('hf://org/moving', first.revision, file)))).toBe('before');
  });

  it.each([
    ['../../etc/passwd', 'holds the component `..`'],
    ['/absolute', 'is absolute'],
    ['nul\0', 'holds a NUL'],
    ['back\\slash', 'holds a backslash'],
  ])('refuses the path %j', async (path, why) => {
    const { result, asked } = await during(() =>
      failure(open().resolve('hf://org/hostile', (one) => one === path)),
    );
    expect(result).toMatchObject({ code: 'source', message: expect.stringContaining(why) });
    expect(asked.filter(({ part }) => part !== 'api')).toEqual([]);
  });

  it('refuses two paths that differ only in case; takes the rest of such a repository', async () => {
    const select = (path: string) => path.startsWith('a/');
    const error = await failure(open().resolve('hf://org/hostile', select));
    expect(error.message).toBe(
      'read hf://org/hostile: a/Model.bin and a/model.bin differ only in case or Unicode form',
    );
    const { files } = await open().resolve('hf://org/hostile', (path) => path === 'good.txt');
    expect(files).toHaveLength(1);
  });

  it('finds wrong bytes of a small file by its git hash', async () => {
    hub.fault({ on: 'resolve', path: /resolve-cache.*config/, kind: 'wrong', after: 2 });
    const error = await failure(open().resolve(uri, all));
    expect(error).toMatchObject({ code: 'integrity', message: expect.stringContaining('config.json') });
  });
});

describe('open', () => {
  const file: LockedFile = { path: 'model.safetensors', size: large.size, sha256: generatedHash(large) };
  const bytes = Buffer.concat([...generated(large.generate, 0, large.size)]);
  const read = (source: HubSource, offset?: number) =>
    collect(source.open(uri, hub.sha('org/model'), file, offset)).then((got) =>
      got.equals(bytes.subarray(offset)),
    );

  it('reads a large file in ranges from the CDN, whose URL it asks for once', async () => {
    const { result, asked } = await during(() => read(open({ HF_TOKEN: token })));
    expect(result).toBe(true);
    expect(
      asked.filter(({ part }) => part === 'resolve').map(({ status, authorized }) => [status, authorized]),
    ).toEqual([[302, true]]);
    const ranges = asked.filter(({ part }) => part === 'cdn');
    expect(ranges).toHaveLength(Math.ceil(large.size / rangeSize));
    expect(ranges.reduce((sum, one) => sum + one.bytes, 0)).toBe(large.size);
  });

  it('reads from any offset, and the URL is remembered', async () => {
    const source = open();
    for (const offset of [0, 1, rangeSize, 29_999_999, 30_000_000])
      expect(await read(source, offset)).toBe(true);
    const { asked } = await during(() => read(source, 20_000_000));
    expect(asked.filter(({ part }) => part === 'resolve')).toEqual([]);
    expect(asked.reduce((sum, one) => sum + one.bytes, 0)).toBe(10_000_000);
  });

  it('reads up to an end, and asks for no more', async () => {
    const upTo = (offset: number, end: number) =>
      collect(open().open(uri, hub.sha('org/model'), file, offset, undefined, end));
    const { result, asked } = await during(() => upTo(100, 5000));
    expect(result.equals(bytes.subarray(100, 5000))).toBe(true);
    expect(asked.filter(({ part }) => part === 'cdn').map((one) => one.bytes)).toEqual([4900]);
    expect((await upTo(29_999_990, 40_000_000)).equals(bytes.subarray(-10))).toBe(true);
    hub.fault({ on: 'cdn', kind: 'whole', times: 2 });
    expect((await upTo(100, 5000)).equals(bytes.subarray(100, 5000))).toBe(true);
  });

  it('reads a small file by one request and its redirect, from an offset too', async () => {
    const [revision, path] = [hub.sha('org/model'), 'small.safetensors'];
    const small = { path, size: 9, sha256: '' };
    const { result, asked } = await during(() => collect(open().open(uri, revision, small)));
    expect(String(result)).toBe('few bytes');
    expect(asked.map(({ part }) => part)).toEqual(['resolve', 'cdn']);
    expect(String(await collect(open().open(uri, revision, small, 4)))).toBe('bytes');
    expect(String(await collect(open().open(uri, revision, { path: 'empty', size: 0, sha256: '' })))).toBe(
      '',
    );
  });

  const cdn = (fault: Omit<Fault, 'on'>): Fault => ({ on: 'cdn', ...fault });
  it.each<[string, Fault[]]>([
    ['a reset connection', [cdn({ kind: 'reset', after: 3_000_000, times: 3 })]],
    ['a connection that closes early', [cdn({ kind: 'cut', after: 1_000_000, times: 3 })]],
    ['a body that ends early', [cdn({ kind: 'truncate', after: 100, times: 3 })]],
    ['a connection that breaks at once', [cdn({ kind: 'reset', after: 0, times: 5 })]],
    ['a URL that has run out', [cdn({ kind: 'expired' })]],
    ['URLs that run out in the middle', [cdn({ kind: 'expired', skip: 2, times: 2 })]],
    ['an unavailable CDN', [cdn({ kind: 'status', status: 503, times: 4 })]],
    ['an unavailable hub', [{ on: 'resolve', kind: 'status', status: 502, times: 3 }]],
    ['a pause in the middle', [cdn({ kind: 'crawl', after: 500_000, delay: 200 })]],
    ['a server without ranges', [cdn({ kind: 'whole', times: 100 })]],
    [
      'a server without ranges that breaks',
      [cdn({ kind: 'reset', after: 3_000_000 }), cdn({ kind: 'whole', times: 99 })],
    ],
  ])('gets over %s', async (_, faults) => {
    for (const fault of faults) hub.fault(fault);
    expect(await read(open())).toBe(true);
    expect(hub.pending().every(({ kind }) => kind === 'whole')).toBe(true);
  });

  it('asks a server without ranges for all the rest at once', async () => {
    hub.fault({ on: 'cdn', kind: 'whole', times: 1000 });
    const { asked } = await during(() => read(open()));
    const starts = asked
      .filter(({ part, range }) => part === 'cdn' && (range ?? '-29999999').endsWith('-29999999'))
      .map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]));
    // The last of the ranges ends there as well.
    expect(starts.filter((start) => start < 7 * rangeSize)).toHaveLength(1);
  });

  it('takes up a broken range where it broke', async () => {
    hub.fault({ on: 'cdn', kind: 'cut', after: 2_000_000 });
    const { asked } = await during(() => read(open()));
    const starts = asked
      .filter(({ part }) => part === 'cdn')
      .map(({ range }) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]) % rangeSize);
    expect(starts).toHaveLength(Math.ceil(large.size / rangeSize) + 1);
    const again = starts.filter((start) => start > 0);
    expect(again).toHaveLength(1);
    expect(again[0]).toBeLessThanOrEqual(2_000_000);
  });

  it.each<[string, Record<string, string>, number]>([
    ['Retry-After', { 'retry-after': '1' }, 1000],
    [
      'RateLimit',
      { ratelimit: '"resolvers";r=0;t=1', 'ratelimit-policy': '"fixed window";"resolvers";q=3000;w=300' },
      2000,
    ],
  ])('waits as long as %s says, and says so', async (_, headers, least) => {
    const told: string[] = [];
    hub.fault({ on: 'resolve', kind: 'status', status: 429, headers });
    const begun = performance.now();
    expect(await read(open({}, { onRetry: (message) => told.push(message) }))).toBe(true);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(least - 5);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/model\.safetensors: .* \(429\); try 2 in [12] s$/);
  });

  it('gives up in words when the CDN refuses new URLs as well', async () => {
    hub.fault({ on: 'cdn', kind: 'expired', times: 50 });
    const error = await failure(read(open()));
    expect(error.code).toBe('source');
    expect(error.message).toMatch(
      /^read hf:\/\/org\/model: model\.safetensors: localhost:\d+, which .* answered 403$/,
    );
    expect(`${error.message} ${error.next}`).not.toContain('X-Amz');
  });

  it('says when the file is larger than it should be, before it gives a byte too many', async () => {
    const short = { ...file, size: 20_000_000 };
    const error = await failure(collect(open().open(uri, hub.sha('org/model'), short)));
    expect(error).toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('it has 30000000 bytes'),
    });
    const few = { path: 'small.safetensors', size: 5, sha256: '' };
    expect(await failure(collect(open().open(uri, hub.sha('org/model'), few)))).toMatchObject({
      code: 'integrity',
    });
  });

  it('stops all connections when its reader stops, or is told to', async () => {
    const stop = new AbortController();
    for await (const _ of open().open(uri, hub.sha('org/model'), file)) break;
    const reading = collect(open().open(uri, hub.sha('org/model'), file, 0, stop.signal));
    stop.abort();
    expect((await failure(reading)).code).toBe('cancelled');
  });

  it('is not stopped by another reader of the same file that is', async () => {
    const source = open();
    hub.fault({ on: 'resolve', kind: 'slow', delay: 200 });
    const stop = new AbortController();
    const one = failure(collect(source.open(uri, hub.sha('org/model'), file, 0, stop.signal)));
    const other = read(source);
    setTimeout(() => stop.abort(), 50);
    expect((await one).code).toBe('cancelled');
    expect(await other).toBe(true);
  });
});

describe('refusals', () => {
  const gated = 'hf://org/gated';
  it.each<[string, string, string | undefined, ModelcarsError['code'], RegExp, RegExp]>([
    [
      'gated, no token',
      gated,
      undefined,
      'auth',
      /gated, and no token is set/,
      /licence at .*\/org\/gated, set HF_TOKEN/,
    ],
    [
      'gated, not accepted',
      gated,
      'hf_new',
      'auth',
      /has not accepted its licence/,
      /open .*\/org\/gated, accept it/,
    ],
    ['gated, waiting', gated, 'hf_waiting', 'auth', /have not answered/, /wait/],
    ['gated, fine-grained', gated, 'hf_fine', 'auth', /may not read gated/, /edit the token/],
    ['unknown token', uri, 'hf_unknown', 'auth', /does not know the token from HF_TOKEN/, /new one/],
    [
      'missing, no token',
      'hf://org/none',
      undefined,
      'auth',
      /no org\/none on .*, or it is private and no/,
      /HF_TOKEN/,
    ],
    [
      'missing',
      'hf://org/none',
      'hf_new',
      'source',
      /no org\/none on .*, or the token from HF_TOKEN/,
      /correct/,
    ],
    ['private, no token', 'hf://org/private', undefined, 'auth', /private and no token/, /HF_TOKEN/],
    ['private', 'hf://org/private', 'hf_new', 'source', /may not see it/, /right to read/],
    ['no such revision', `${uri}:v9`, undefined, 'source', /no branch, tag or commit v9/, /tree\/main/],
    [
      'renamed',
      'hf://old/model',
      undefined,
      'source',
      /old\/model is now called org\/model/,
      /source: hf:\/\/org\/model`/,
    ],
  ])('%s', async (_, where, secret, code, message, next) => {
    const error = await failure(open(secret === undefined ? {} : { HF_TOKEN: secret }).resolve(where, all));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(`read ${where}: `)).toBe(true);
    expect(error.next).toMatch(next);
    if (secret) expect(`${error.message} ${error.next} ${error.cause}`).not.toContain(secret);
  });

  it('lets in who may', async () => {
    expect((await open({ HF_TOKEN: token }).resolve(gated, all)).files).toHaveLength(1);
    expect((await open({ HF_TOKEN: token }).resolve('hf://org/private', all)).files).toHaveLength(1);
  });

  it('tells a file that is not there any more', async () => {
    const gone = { path: 'gone.json', size: 3, sha256: '' };
    const error = await failure(collect(open().open(uri, hub.sha('org/model'), gone)));
    expect(error).toMatchObject({
      code: 'source',
      message: expect.stringContaining('gone.json: the repository has no such'),
    });
  });

  it('gives up on a hub that is not there, and says where to look', async () => {
    const error = await failure(open({ HF_ENDPOINT: 'http://127.0.0.1:9' }).resolve(uri, all));
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('127.0.0.1:9') });
  });

  it.each([
    ['a page', '<html>Sign in to the guest network</html>'],
    ['no object', '[]'],
    ['an object that is no model', '{"sha": "../.."}'],
  ])('says that an endpoint that answers %s is no hub', async (_, body) => {
    const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const error = await failure(open({ HF_ENDPOINT: `http://127.0.0.1:${port}` }).resolve(uri, all));
      expect(error).toMatchObject({ code: 'source', next: expect.stringContaining('HF_ENDPOINT') });
      expect(error.message).not.toContain('Sign in');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
