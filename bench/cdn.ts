/**
 * nginx as the hub's CDN: it sends files from the page cache to the socket, so that the stand-in for a remote machine
 * takes hardly any of this one's CPU. A CDN in Node takes a second of CPU per gigabyte.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTool } from './tools.ts';

export interface Cdn {
  /** Serves each file below the folder at `/bench/PATH`. */
  origin: string;
  stop(): Promise<void>;
}

/** Starts it for a folder, on `address` (by default for this machine only); undefined without nginx. */
export async function startCdn(files: string, address?: string): Promise<Cdn | undefined> {
  const nginx = await findTool('nginx');
  if (nginx === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-cdn-'));
  const [own, port] = [address ?? '127.0.0.1', await freePort()];
  await writeFile(join(folder, 'nginx.conf'), settings(folder, files, `${own}:${port}`));
  const args = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'];
  const child = spawn(nginx.path, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const kill = (): boolean => child.kill('SIGTERM');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    const gone = child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : undefined;
    kill();
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    if (await answers(own, port)) return { origin: `http://${address ?? 'localhost'}:${port}`, stop };
    await sleep(25);
  }
  await stop();
  throw new Error('start nginx: it does not answer');
}

function settings(folder: string, files: string, listen: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder}/pid;
worker_processes 1;
events { worker_connections 512; }
http {
  ${temporary.join('\n  ')}
  access_log off;
  sendfile on;
  sendfile_max_chunk 1m;
  keepalive_requests 1000000;
  server {
    listen ${listen};
    location /bench/ { alias "${files}/"; }
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(address: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, address, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}
