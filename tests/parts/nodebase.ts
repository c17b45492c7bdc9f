/** A base image with Node, built locally: the pinned Node, the libraries of this machine that it needs, and a shell. */
import { copyFile, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pushLayers } from './bases.ts';
import { run } from './run.ts';

/**
 * Pushes one for amd64 and arm64 (with the same bytes; only this machine's architecture runs). Returns its reference.
 */
export async function pushNodeBase(host: string, repository: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-node-base-'));
  try {
    const node = await realpath(process.execPath);
    // `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)`, and the dynamic linker without `=>`.
    const libraries = [...(await run('ldd', [node])).matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
    const tree = join(folder, 'tree');
    // Node's images have a shell and `env`; busybox is both, by the name it is called.
    const programs = [
      [node, '/usr/local/bin/node'],
      ...['/bin/sh', '/usr/bin/env'].map((to) => ['/bin/busybox', to]),
    ];
    for (const [from, to] of [...programs, ...libraries.map((path) => [path, path])]) {
      await mkdir(dirname(join(tree, to ?? '')), { recursive: true });
      await copyFile(await realpath(from ?? ''), join(tree, to ?? ''));
    }
    await mkdir(join(tree, 'etc'));
    await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    const tar = join(folder, 'layer.tar');
    const plain = ['--owner=0', '--group=0', '--mtime=@0', '--sort=name'];
    await run('tar', ['--create', '--file', tar, ...plain, '--directory', tree, ...(await readdir(tree))]);
    // As in Node's official image; the loader image sets a different entrypoint.
    const config = { Env: ['PATH=/usr/local/bin:/bin'], Entrypoint: ['docker-entrypoint.sh'], Cmd: ['node'] };
    return await pushLayers(host, repository, [tar], config);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
