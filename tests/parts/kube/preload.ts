/** Images put into a node's file system, as a node has them after pulling. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, run, tryRun } from '../run.ts';
import { containerdPrograms } from './programs.ts';

/** Puts images into the node's content store, as `kind build node-image` does: by a containerd that runs here for a moment. */
export async function preload(root: string, archives: string[]): Promise<void> {
  const programs = await containerdPrograms();
  // Short, because a socket's path may have 107 bytes at most.
  const place = await mkdtemp(join(tmpdir(), 'mc-ctrd-'));
  const address = join(place, 'sock');
  const config = join(place, 'config.toml');
  const store = join(root, 'var/lib/containerd');
  await mkdir(store, { recursive: true });
  const disabled = ['cri', 'images', 'podsandbox'].map((name) => `"io.containerd.cri.v1.${name}"`);
  const lines = [
    'version = 3',
    `root = "${store}"`,
    `state = "${join(place, 'state')}"`,
    `disabled_plugins = [${[...disabled, '"io.containerd.grpc.v1.cri"'].join()}]`,
    `[grpc]`,
    `  address = "${address}"`,
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  const daemon = launch(join(programs, 'containerd'), ['--config', config], { timeout: 900_000 });
  let log = '';
  daemon.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const gone = new Promise((resolve) => daemon.once('close', resolve));
  const ctr = ['--address', address, '--namespace', 'k8s.io'];
  try {
    let up = false;
    for (let tries = 0; tries < 240 && !up && daemon.exitCode === null; tries++) {
      up = (await tryRun(join(programs, 'ctr'), [...ctr, 'version'])).code === 0;
      if (!up) await sleep(250);
    }
    if (!up) throw new Error(`preload images: containerd does not start\n${log}`);
    for (const archive of archives) {
      await run(join(programs, 'ctr'), [...ctr, 'images', 'import', '--local', '--no-unpack', archive]);
    }
  } finally {
    daemon.kill('SIGTERM');
    await gone;
    await rm(place, { recursive: true, force: true });
  }
}
