/** `hf://` models through mirrors that keep to less of the hub's API: Artifactory and Nexus, below a path of their own. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { noise } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { tryInside } from '../parts/inside.ts';
import { missingParts } from '../parts/parts.ts';
import { startRegistry } from '../parts/registry.ts';
import { tagDigest } from '../parts/tags.ts';
import { safetensors } from '../support/model-files.ts';

const files = {
  'README.md': '---\nlicense: mit\n---\n# Model\n',
  'config.json': '{"architectures": ["LlamaForCausalLM"]}',
  'tokenizer.json': '{}',
  '1_Pooling/config.json': '{}',
  'model.safetensors': safetensors(noise(1_000_000, 3)),
};
/** The paths below which JFrog Artifactory and Sonatype Nexus serve a repository of the hub. */
const prefixes = { artifactory: '/artifactory/api/huggingfaceml/hf-remote', nexus: '/repository/hf-proxy' };

const token = 'hf_MirrorSecret1234';
let hub: Hub;
let folder: string;
const mirrors: Server[] = [];
const seen: { url: string; authorization: IncomingHttpHeaders['authorization'] }[] = [];

/** A mirror below a path, which answers `status` to requests with `expand`. Returns its HF_ENDPOINT. */
async function startMirror(prefix: string, status: number): Promise<string> {
  const server = createServer(async (request, response) => {
    const url = request.url ?? '';
    seen.push({ url, authorization: request.headers.authorization });
    if (!url.startsWith(`${prefix}/`) || url.includes('expand'))
      return response.writeHead(url.includes('expand') ? status : 404).end('{"errors": [{"status": 404}]}');
    const { host: _, ...headers } = request.headers;
    const answer = await fetch(hub.url + url.slice(prefix.length), {
      method: request.method ?? 'GET',
      headers: headers as Record<string, string>,
      redirect: 'manual',
    });
    const link = answer.headers.get('link')?.replace(hub.url, own);
    const sent = Object.fromEntries([...answer.headers].filter(([name]) => name !== 'content-encoding'));
    if (sent.location?.startsWith('/')) sent.location = prefix + sent.location;
    response.writeHead(answer.status, { ...sent, ...(link !== undefined && { link }) });
    return response.end(Buffer.from(await answer.arrayBuffer()));
  });
  mirrors.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`;
  return own;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-mirrors-'));
  hub = await startHub({
    models: { 'org/model': { files }, 'org/closed': { files, gated: 'manual' } },
    tokens: { [token]: { user: 'me', accepted: [] } },
    pageSize: 2,
  });
});
afterAll(async () => {
  for (const server of mirrors) server.close();
  await hub?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function run(args: string[], endpoint: string, source = 'hf://org/model') {
  const entry = { name: 'llm', framework: 'vllm', base: 'embedded', version: 'v1.0.0', source };
  await writeFile(join(folder, 'models.yaml'), stringify({ models: [entry] }));
  const env = { HF_ENDPOINT: endpoint, HF_HOME: join(folder, 'hf'), HF_TOKEN: token };
  const result = await tryInside(args, { cwd: folder, env });
  expect(result.stderr).not.toContain('MirrorSecret');
  return result;
}

describe.skipIf(await missingParts('docker-registry'))('a mirror that does not know `expand`', () => {
  test.each([
    ['artifactory', 404],
    ['nexus', 400],
    ['nexus', 501],
  ] as const)('%s, which answers %d: lock and push give the same files', async (kind, status) => {
    await using registry = await startRegistry({ kind: 'docker-registry' });
    const endpoint = await startMirror(prefixes[kind], status);
    seen.length = 0;
    expect(await run(['lock', '--upgrade'], endpoint)).toMatchObject({ code: 0 });
    const lock = await readFile(join(folder, 'models.lock.yaml'), 'utf8');
    expect(lock).toContain(`revision: ${hub.sha('org/model')}`);
    expect(lock).toContain('license: mit');
    expect(lock).toContain('path: 1_Pooling/config.json');
    expect(await run(['push', '--registry', `${registry.host}/me`], endpoint)).toMatchObject({ code: 0 });
    expect(await tagDigest(registry.host, 'me/llm', 'v1.0.0')).toMatch(/^sha256:/);
    // Every page of the list, and the token, stay with the mirror.
    expect(seen.every(({ url }) => url.startsWith(prefixes[kind]))).toBe(true);
    expect(hub.requests().filter(({ part, authorized }) => part === 'cdn' && authorized)).toEqual([]);
  });

  test('a mirror that redirects everything to another host is followed there, without the token', async () => {
    const server = createServer((request, response) =>
      response.writeHead(308, { location: `${hub.url}${request.url}` }).end(),
    );
    mirrors.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const before = hub.requests().length;
    expect(await run(['lock', '--upgrade'], endpoint)).toMatchObject({ code: 0 });
    const lock = await readFile(join(folder, 'models.lock.yaml'), 'utf8');
    // The list has several pages.
    for (const path of Object.keys(files)) expect(lock).toContain(`path: ${path}`);
    expect(
      hub
        .requests()
        .slice(before)
        .filter(({ authorized }) => authorized),
    ).toEqual([]);
  });

  test('messages name the mirror, not the pages of huggingface.co', async () => {
    const endpoint = await startMirror(prefixes.artifactory, 404);
    const missing = await run(['lock', '--upgrade'], endpoint, 'hf://org/none');
    expect(missing.stderr).toContain(`there is no org/none on ${endpoint}`);
    const closed = await run(['lock', '--upgrade'], endpoint, 'hf://org/closed');
    expect(closed.code).toBe(1);
    for (const { stderr } of [missing, closed]) expect(stderr).not.toContain('huggingface.co');
  });
});
