/** A base like UBI micro: only bash and coreutils with their libraries in /usr, and links for /bin and /lib. */
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pushLayers } from '../parts/bases.ts';
import { run } from '../parts/run.ts';

const programs = ['bash', 'cat', 'cp', 'id', 'ln', 'ls', 'mkdir', 'rm', 'sleep', 'stat', 'test'];

/**
 * Pushes a UBI-like base, made of this machine's programs, for amd64 and arm64 alike; it only runs on this machine's
 * architecture. Returns its reference.
 */
export async function pushUbiLike(host: string, repository: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-ubi-'));
  try {
    const tree = join(folder, 'tree');
    for (const name of ['bin', 'lib', 'lib64']) {
      await mkdir(join(tree, 'usr', name), { recursive: true });
      await symlink(`usr/${name}`, join(tree, name));
    }
    for (const name of programs) {
      // The path in a merged /usr: for /bin/bash as well as /usr/bin/bash.
      const file = await realpath(join('/usr/bin', name));
      await copyFile(file, join(tree, 'usr/bin', name));
      for (const library of await libraries(file)) {
        const target = join(tree, library.replace(/^(\/usr)?/, '/usr'));
        await mkdir(dirname(target), { recursive: true });
        await copyFile(await realpath(library), target);
      }
    }
    await symlink('bash', join(tree, 'usr/bin/sh'));
    await mkdir(join(tree, 'etc'));
    await writeFile(join(tree, 'etc/os-release'), 'ID="like-ubi-micro"\n');
    const tar = join(folder, 'layer.tar');
    const plain = ['--owner=0', '--group=0', '--mtime=@0', '--sort=name'];
    await run('tar', ['--create', '--file', tar, ...plain, '--directory', tree, '.']);
    // Like ubi-micro's own configuration: a command, no entrypoint.
    return await pushLayers(host, repository, [tar], { Env: ['PATH=/usr/bin:/bin'], Cmd: ['/bin/sh'] });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, and the dynamic linker without `=>`. */
async function libraries(file: string): Promise<string[]> {
  return [...(await run('ldd', [file])).matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
}
