import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tryModelcars } from '../parts/cli.ts';
import {
  type Answer,
  catalogs,
  flood,
  type Peer,
  refuse,
  serve,
  useListingServers,
} from './_listing-server.ts';

useListingServers();

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
  /** A hub whose file list is the result of `tree`; `count` is the page's number, from 0. */
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

  test('whose listing continues on another host is not followed', async () => {
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
    const cwd = join(catalogs(), 'hub');
    const { code, stdout, stderr } = await tryModelcars(['lock', '--dry-run', '--json'], {
      cwd,
      env: { HF_ENDPOINT: peer.url, HF_TOKEN: '' },
    });
    // The card alone must not fail the lock.
    expect(stdout + stderr).not.toMatch(/not a hub's answer|bug|RangeError/);
    expect([0, 1]).toContain(code);
  });
});
