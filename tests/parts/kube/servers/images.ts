/** Images of model servers besides MLServer, for `--load-image`: under the names that KServe 0.20's runtimes have. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { huggingFaceServer } from '../../huggingfaceserver.ts';
import { run } from '../../run.ts';
import { tritonCommand, tritonServer } from '../../triton.ts';
import { type ImageContent, writeArchive } from '../archive.ts';
import { debianRoot, slimPackages } from '../rootfs.ts';

/** What no server needs. */
const left = ['pip', 'setuptools', 'tests', 'include'].map((name) => `--exclude=*/${name}`);
/** Of the image's own C library, and of no other. */
const glibc = /\/(ld-linux|lib(c|m|mvec|dl|rt|pthread|util|resolv|anl|nsl)\.so)/;

/** NVIDIA Triton as the archive of an image, made in `folder`. Returns its path. Throws PartMissing on other machines. */
export async function tritonArchive(folder: string): Promise<string> {
  const layer = join(folder, 'triton.layer');
  const where = '/opt/triton';
  await pack(layer, await tritonServer(), '.', where);
  const { program, flags, env } = tritonCommand(where);
  const tree = join(folder, 'triton');
  await mkdir(join(tree, 'bin'), { recursive: true });
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${value}\n`);
  const script = `#!/bin/sh\n${variables.join('')}exec ${program} ${flags.join(' ')} "$@"\n`;
  await writeFile(join(tree, 'bin/tritonserver'), script, { mode: 0o755 });
  const command = join(folder, 'command.layer');
  await pack(command, tree, 'bin', '/usr/local');
  return await archive(folder, 'triton', {
    name: 'nvcr.io/nvidia/tritonserver:23.05-py3',
    layers: [layer, command],
    config: { Cmd: ['tritonserver'] },
  });
}

/** KServe's Hugging Face server, likewise. */
export async function huggingFaceArchive(folder: string): Promise<string> {
  const { python, env } = await huggingFaceServer();
  const root = join(python, '../..');
  const modules = 'debian/usr/lib/python3/dist-packages';
  const where = '/opt/huggingfaceserver';
  const layers = ['packages', 'torch', 'libraries'].map((name) => join(folder, `${name}.layer`));
  const [own = '', torch = '', libraries = ''] = layers;
  await pack(own, root, 'lib/python3.11/site-packages', where);
  await pack(torch, root, modules, where);
  // Debian's PyTorch is linked with half of a desktop: the libraries that it loads, from wherever this machine has them.
  const global = 'libtorch_global_deps.so';
  const script = `ldd "$0"/_C.*.so "$0"/lib/${global}`;
  const loaded = await run('sh', ['-c', script, join(root, modules, 'torch')], { env });
  const found = [...loaded.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  const files = [...new Set(found)].filter((path) => !glibc.test(path));
  // Where the links in torch/lib lead.
  const to = 'debian/usr/lib/x86_64-linux-gnu';
  const flat = [`--transform=s,.*/,${where.slice(1)}/${to}/,`, '--dereference', '--absolute-names'];
  const owner = ['--owner=0', '--group=0'];
  const all = [...files, join(root, to, `${global}.1.13`)];
  await run('tar', ['--create', '--file', libraries, ...owner, ...flat, ...all]);
  const config = {
    User: '1000',
    WorkingDir: '/tmp',
    Env: [
      'PATH=/usr/local/bin:/usr/bin:/bin',
      `PYTHONPATH=${where}/lib/python3.11/site-packages`,
      `LD_LIBRARY_PATH=${where}/${to}`,
      'HF_HUB_OFFLINE=1',
      'HOME=/tmp',
    ],
    Entrypoint: ['/usr/bin/python3', '-m', 'huggingfaceserver'],
  };
  return await archive(folder, 'huggingface', {
    name: 'docker.io/kserve/huggingfaceserver:v0.20.0',
    layers,
    config,
  });
}

/** Puts the image together, on Debian's Python. */
async function archive(folder: string, name: string, content: ImageContent): Promise<string> {
  const file = join(folder, `${name}.tar`);
  const layers = [await debianRoot('slim', slimPackages), ...content.layers];
  await writeArchive(file, { ...content, layers });
  await Promise.all(content.layers.map((layer) => rm(layer)));
  return file;
}

/** Writes a layer with the file or folder `path` of `root` below the folder `where`. Times stay: compiled Python has them too. */
async function pack(
  layer: string,
  root: string,
  path: string,
  where: string,
  flags: string[] = [],
): Promise<void> {
  // Not the targets of links.
  const to = `--transform=s,^\\(\\./\\)\\?,${where.slice(1)}/,SH`;
  const owner = ['--owner=0', '--group=0'];
  await run('tar', ['--create', '--file', layer, ...owner, to, ...left, ...flags, '--directory', root, path]);
}
