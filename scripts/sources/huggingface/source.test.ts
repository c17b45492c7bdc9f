import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { generatedHash } from '../../../tests/parts/hub-content.ts';
import {
  during,
  hub,
  large,
  open,
  readme,
  token,
  uri,
  useModelHub,
} from '../../../tests/support/hub-source.ts';
import { collect, failure, sha256 } from '../../../tests/support/outcome.ts';
import type { ModelcarsError } from '../../errors.ts';

const all = () => true;

useModelHub();

describe('resolve', () => {
  it('returns the commit and every file with its sha256, without fetching from the CDN', async () => {
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

  it('reads nothing of files that are not selected, but passes every path to the selection', async () => {
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
    'finds the revision %s, and the same revision by its commit',
    async (revision) => {
      const commit = hub.sha('org/model', revision);
      const named = await open().resolve(`${uri}:${revision}`, all);
      expect(named.revision).toBe(commit);
      expect(await open().resolve(`${uri}:${commit}`, all)).toEqual(named);
      expect(named.files).toHaveLength(1);
    },
  );

  it('resolves a revision once per run, although the branch moves', async () => {
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

  it('refuses two paths that differ only in case, and accepts other files of the repository', async () => {
    const select = (path: string) => path.startsWith('a/');
    const error = await failure(open().resolve('hf://org/hostile', select));
    expect(error.message).toBe(
      'read hf://org/hostile: a/Model.bin and a/model.bin differ only in case or Unicode form',
    );
    const { files } = await open().resolve('hf://org/hostile', (path) => path === 'good.txt');
    expect(files).toHaveLength(1);
  });

  it('detects wrong bytes of a small file by its git hash', async () => {
    hub.fault({ on: 'resolve', path: /resolve-cache.*config/, kind: 'wrong', after: 2 });
    const error = await failure(open().resolve(uri, all));
    expect(error).toMatchObject({ code: 'integrity', message: expect.stringContaining('config.json') });
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

  it('accepts a token with access', async () => {
    expect((await open({ HF_TOKEN: token }).resolve(gated, all)).files).toHaveLength(1);
    expect((await open({ HF_TOKEN: token }).resolve('hf://org/private', all)).files).toHaveLength(1);
  });

  it('reports a file that no longer exists', async () => {
    const gone = { path: 'gone.json', size: 3, sha256: '' };
    const error = await failure(collect(open().open(uri, hub.sha('org/model'), gone)));
    expect(error).toMatchObject({
      code: 'source',
      message: expect.stringContaining('gone.json: the repository has no such'),
    });
  });

  it('gives up on an unreachable hub, and names it', async () => {
    const error = await failure(open({ HF_ENDPOINT: 'http://127.0.0.1:9' }).resolve(uri, all));
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('127.0.0.1:9') });
  });

  it.each([
    ['a web page', '<html>Sign in to the guest network</html>'],
    ['a list', '[]'],
    ['an object that is not a model', '{"sha": "../.."}'],
  ])('reports an endpoint that returns %s as not a hub', async (_, body) => {
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

it.each([
  ['org/model', 'org/model'],
  ['old/model', 'org/model'],
  ['legacy', 'org/model'],
])('asks the hub for the current name of %s', async (name, now) => {
  expect(await open().canonicalName(name)).toBe(now);
});

it('fails for the name of no repository', async () => {
  const error = await failure(open().canonicalName('org/gone'));
  expect(error.message).toContain('read hf://org/gone: there is no org/gone on');
  expect((await failure(open().canonicalName('gone'))).message).toContain('there is no gone on');
});

it('believes no name that is none, and keeps its own where the hub states none', async () => {
  let body = '{"id": "../../etc"}';
  const server = createServer((_, response) => response.end(body));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const { port } = server.address() as AddressInfo;
    const source = open({ HF_ENDPOINT: `http://127.0.0.1:${port}` });
    expect((await failure(source.canonicalName('org/name'))).message).toContain("is not a hub's answer");
    body = '{"sha": "abc"}';
    expect(await source.canonicalName('org/name')).toBe('org/name');
    expect((await failure(source.canonicalName('gpt2'))).message).toContain("is not a hub's answer");
  } finally {
    server.close();
  }
});
