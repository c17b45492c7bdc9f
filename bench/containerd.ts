/** A node's containerd for one run: as a kubelet uses it, with everything in one folder. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, tryRun } from '../tests/parts/run.ts';
import { answering, startProcess } from '../tests/parts/server-process.ts';
import { toolPath } from './tools.ts';

export interface Containerd extends AsyncDisposable {
  /** For `ctr --address`. */
  socket: string;
  pid: number;
}

/**
 * Starts one that keeps images and snapshots below `folder`. `settings` is TOML beyond the defaults. Its CRI is off,
 * because it pulls by the transfer service too (internal/cri/server/images/image_pull.go of 2.2), with its settings.
 */
export async function startContainerd(folder: string, settings: string): Promise<Containerd> {
  const [program, ctr] = [await toolPath('containerd'), await toolPath('ctr')];
  // Short, because a socket's path may have 107 bytes at most.
  const place = await mkdtemp(join(tmpdir(), 'mc-ctrd-'));
  const socket = join(place, 'sock');
  await mkdir(folder, { recursive: true });
  await writeFile(join(place, 'config.toml'), containerdSettings(folder, place, settings));
  const logFile = join(place, 'log');
  const log = openSync(logFile, 'a');
  const args = ['--config', join(place, 'config.toml'), '--log-level', 'warn'];
  const server = startProcess(program, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const dispose = async (): Promise<void> => {
    await server.stop();
    // Its mount manager keeps one of each image that `ctr` mounts.
    await unmountBelow(place);
    await rm(place, { recursive: true, force: true });
  };
  try {
    const answers = async () => (await tryRun(ctr, ['--address', socket, 'version'])).code === 0;
    await answering(server, 'containerd', answers, () => readFileSync(logFile, 'utf8'));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { socket, pid: server.child.pid ?? 0, [Symbol.asyncDispose]: dispose };
}

/** Unmounts everything below a folder, the innermost first. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const target of mountsBelow(folder, readFileSync('/proc/self/mounts', 'utf8')))
    await run('umount', [target]);
}

/** Mount points below a folder in the text of /proc/self/mounts, the last mounted first (proc(5): octal escapes). */
export function mountsBelow(folder: string, mounts: string): string[] {
  const decode = (text: string): string =>
    text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return mounts
    .split('\n')
    .map((line) => decode(line.split(' ')[1] ?? ''))
    .filter((target) => target.startsWith(`${folder}/`))
    .reverse();
}

function containerdSettings(folder: string, place: string, settings: string): string {
  const disabled = ['cri.v1.images', 'cri.v1.runtime', 'grpc.v1.cri', 'podsandbox.controller.v1'];
  return `version = 3
root = ${JSON.stringify(folder)}
state = ${JSON.stringify(join(place, 'state'))}
disabled_plugins = [${disabled.map((name) => `"io.containerd.${name}"`).join(', ')}]
[grpc]
  address = ${JSON.stringify(join(place, 'sock'))}
${settings}`;
}
