import { expect, it } from 'vitest';
import { listRepository } from './listing.ts';
import { parseHubUri } from './uri.ts';

const commit = 'c'.repeat(40);
const info = { _id: '1', id: 'org/model', sha: commit, gated: false, lastModified: '2026-01-01T00:00:00Z' };
const lfs = { oid: 'ab'.repeat(32), size: 5, pointerSize: 130 };

/** Lists from a hub with given responses: the model, then its tree. */
async function list(model: unknown, tree: unknown, uri = 'hf://org/model'): Promise<unknown> {
  const asked: string[] = [];
  const fetch = async (input: string | URL | Request): Promise<Response> => {
    asked.push(String(input));
    return Response.json(String(input).includes('/tree/') ? tree : model);
  };
  const hub = { endpoint: 'http://hub', fetch, askFile: async () => ({ size: 7 }) };
  const listing = await listRepository(parseHubUri(uri), hub).catch((error: Error) => error.message);
  return typeof listing === 'string' ? listing : { listing, asked };
}

it('lists the files of the commit, not of the branch, and no folders', async () => {
  const tree = [
    { type: 'directory', path: 'a', size: 0, oid: '1' },
    { type: 'file', path: 'a/b', size: 3, oid: '2'.repeat(40) },
    { type: 'file', path: 'w.bin', size: 5, oid: '3'.repeat(40), lfs },
  ];
  const { listing, asked } = (await list(info, tree, 'hf://org/model:a/branch')) as Record<string, unknown>;
  expect(listing).toEqual({
    commit,
    gated: false,
    metadata: {},
    files: [
      { path: 'a/b', size: 3, oid: '2'.repeat(40) },
      { path: 'w.bin', size: 5, sha256: lfs.oid },
    ],
  });
  expect(asked).toEqual([
    expect.stringContaining('http://hub/api/models/org/model/revision/a%2Fbranch?'),
    expect.stringContaining(`http://hub/api/models/org/model/tree/${commit}?recursive=true`),
  ]);
});

it('asks for the size of a file whose size is not listed, and never for a path that leads out', async () => {
  const tree = [{ type: 'file', path: 'a/b' }];
  expect(await list(info, tree)).toMatchObject({ listing: { files: [{ path: 'a/b', size: 7 }] } });
  expect(await list(info, [{ type: 'file', path: '../b' }])).toContain('lists ../b, a path that');
});

it('needs no commit from the hub where the source names it', async () => {
  const uncommitted = { ...info, sha: null };
  const found = await list(uncommitted, [], `hf://org/model:${commit}`);
  expect(found).toMatchObject({ listing: { commit } });
  expect(await list(uncommitted, [], 'hf://org/model:master')).toContain(
    'http://hub names no commit for master, so the model cannot be locked to one',
  );
});

const file = { type: 'file', path: 'w.bin', size: 5, oid: '3'.repeat(40), lfs };
it.each<[string, unknown, unknown, string]>([
  ['no commit', { ...info, sha: undefined }, [], 'names no commit'],
  ['an invalid commit', { ...info, sha: '../../main' }, [], 'names no commit'],
  ['another name', { ...info, id: 'org/other' }, [], 'is now called org/other'],
  ['a file without a path', info, [{ ...file, path: undefined }], 'without path or size'],
  ['a negative size', info, [{ ...file, size: -1, lfs: undefined }], 'without path or size'],
  ['an invalid size', info, [{ ...file, size: '5' }], 'without path or size'],
  ['an invalid hash', info, [{ ...file, lfs: { ...lfs, oid: 'AB' } }], 'size or hash that cannot be'],
  ['two sizes', info, [{ ...file, lfs: { ...lfs, size: 6 } }], 'size or hash that cannot be'],
])('refuses %s', async (_, model, tree, problem) => {
  expect(await list(model, tree)).toContain(problem);
});

it('refuses another commit than the requested one', async () => {
  expect(await list(info, [file], `hf://org/model:${'d'.repeat(40)}`)).toContain('gave another commit');
});
