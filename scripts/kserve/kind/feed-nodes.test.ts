import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Programs } from '../../../tests/support/fake-programs.ts';
import { feedNodes } from './feed-nodes.ts';
import type { Kind } from './kind.ts';

let programs: Programs;
let engine: Server;
beforeEach(async () => {
  programs = await Programs.open();
  engine = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => engine.once('listening', resolve));
  // A node whose gateway is another machine (TEST-NET-1), and which reaches every address unless a file `unreachable`
  // exists.
  await programs.add(
    'docker',
    `case "$*" in
  *'ip -4 route'*) echo 'default via 192.0.2.1 dev eth0' ;;
  *timeout*) [ ! -e unreachable ] && shift 2 && exec "$@" ;;
  *hosts.toml*) cat > hosts.toml ;;
esac`,
  );
});
afterEach(async () => {
  engine.close();
  await programs[Symbol.asyncDispose]();
});

const kindAt = (remote: Kind['remote']) =>
  ({ engine: 'docker', remote, nodes: async () => ['node'] }) as unknown as Kind;
const there = () => ({ host: '127.0.0.1', port: (engine.address() as { port: number }).port });

it('serves nodes of a remote engine on the local address of its connection', async () => {
  const feed = await feedNodes(kindAt(there()), []);
  expect(feed?.registry).toBe('modelcars.local');
  expect(await programs.read('hosts.toml')).toMatch(/^server = "http:\/\/127\.0\.0\.1:\d+"$/m);
  await feed?.[Symbol.asyncDispose]();
  expect((await programs.calls()).at(-1)).toContain('rm -rf /etc/containerd/certs.d/modelcars.local');
});

it('returns undefined for nodes that cannot reach this machine', async () => {
  expect(await feedNodes(kindAt(undefined), [])).toBeUndefined();
  await writeFile(`${programs.folder}/unreachable`, '');
  expect(await feedNodes(kindAt(there()), [])).toBeUndefined();
});
