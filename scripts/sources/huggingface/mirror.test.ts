import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { startHub } from '../../../tests/parts/hub.ts';
import type { Lack } from '../../../tests/parts/hub-api.ts';
import { HubSource } from './source.ts';

/** Hubs that know less than Hugging Face's: what huggingface_hub's `snapshot_download` needs, or not even that. */

const weights = Buffer.alloc(300_000, 'w');
const files = { 'config.json': '{"a": 1}', empty: '', 'sub/model.safetensors': weights };
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
const expected = Object.entries(files).map(([path, bytes]) => ({
  path,
  size: bytes.length,
  sha256: sha256(bytes),
}));

/** Locks every file through a mirror that lacks this, and reads the weights. Returns the requests. */
async function lock(lacks: Lack[], revision?: string) {
  await using hub = await startHub({ models: { 'org/model': { files } }, lacks });
  const source = new HubSource({
    env: { HF_ENDPOINT: hub.url, HOME: '/nonexistent' },
    retry: { delay: 1, tries: 1 },
  });
  try {
    const commit = hub.sha('org/model');
    const uri = `hf://org/model${revision === undefined ? '' : `:${revision || commit}`}`;
    const snapshot = await source.resolve(uri, () => true);
    expect(snapshot).toEqual({ revision: commit, files: expected });
    const chunks: Uint8Array[] = [];
    const [, , file] = snapshot.files;
    if (file === undefined) throw new Error('no weights');
    for await (const chunk of source.open(uri, commit, file)) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks)).toEqual(weights);
    return hub.requests();
  } finally {
    await source.close();
  }
}

/** Bytes of the weights that were read. */
const read = (requests: Awaited<ReturnType<typeof lock>>) =>
  requests.filter(({ part }) => part === 'cdn').reduce((sum, { bytes }) => sum + bytes, 0);

it.each<[string, Lack[], number]>([
  ['no trees: the description lists sizes and hashes', ['trees'], 1],
  ['no trees and no sizes: the headers of each file state both', ['trees', 'sizes'], 1],
  ['no sizes in trees', ['sizes'], 1],
  ['no hashes: the files are read, and checked against the names of their pointers', ['hashes'], 2],
  ['no hashes and no trees', ['trees', 'hashes'], 2],
])('locks from a mirror with %s', async (_, lacks, times) => {
  expect(read(await lock(lacks))).toBe(times * weights.length);
});

it('takes a size from the server of the bytes where the hub does not state it', async () => {
  const requests = await lock(['trees', 'sizes', 'links', 'hashes']);
  // One byte for the size, all for the hash, all to read it.
  expect(read(requests)).toBe(1 + 2 * weights.length);
});

it('refuses a branch whose commit is not stated, and takes a commit', async () => {
  await expect(lock(['commits'])).rejects.toMatchObject({
    code: 'source',
    message: expect.stringContaining('names no commit for main, so the model cannot be locked to one'),
    next: 'name the commit, as in `source: hf://org/model:COMMIT`, or unset HF_ENDPOINT',
  });
  await lock(['commits'], '');
});

it('refuses other bytes than those of the hash in git', async () => {
  const { hashFile } = await import('./hash.ts');
  const bytes = async function* () {
    yield Buffer.from('b');
  };
  const file = { path: 'a', size: 1, oid: '0'.repeat(40) };
  await expect(hashFile('read a', file, bytes(), { isMirror: true })).rejects.toMatchObject({
    code: 'integrity',
  });
});

it("explains that ModelScope's API is its own", async () => {
  // Through a proxy, since the name is what counts.
  const server = createServer((_, response) => response.writeHead(404).end('<html>'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const source = new HubSource({
    env: {
      HF_ENDPOINT: 'http://www.modelscope.cn',
      http_proxy: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      HOME: '/nonexistent',
    },
    retry: { delay: 1, tries: 1 },
  });
  try {
    await expect(source.resolve('hf://Qwen/Qwen3-0.6B', () => true)).rejects.toMatchObject({
      message: 'read hf://Qwen/Qwen3-0.6B: http://www.modelscope.cn does not answer as a hub',
      next: expect.stringContaining('https://www.modelscope.cn/models/ORG/NAME/resolve/master/config.json'),
    });
  } finally {
    await source.close();
    server.close();
  }
});
