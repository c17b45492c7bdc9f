/**
 * NVIDIA Triton for CPUs. PyTriton's package has the server, and of its backends only the one for Python, which runs
 * ONNX Runtime (./triton/model.py).
 */
import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PartMissing } from './parts.ts';
import { pythonWith } from './python.ts';
import { run, tryRun } from './run.ts';

const backend = fileURLToPath(new URL('triton/model.py', import.meta.url));
const packages = 'lib/python3.11/site-packages';
const library = 'libpython3.11';

/** Where the parts of the server are below the folder of the environment. */
const places = {
  program: `${packages}/pytriton/tritonserver/bin/tritonserver`,
  backends: 'backends',
  libraries: [`${packages}/nvidia_pytriton.libs`, 'debian/usr/lib/x86_64-linux-gnu'],
};

/** The folder of the server's environment; installed first if needed. Throws PartMissing except on Debian 12 for x86-64. */
export async function tritonServer(): Promise<string> {
  if (process.arch !== 'x64') throw new PartMissing('Triton is on the package index for x86-64 only');
  const hash = createHash('sha256').update(await readFile(backend));
  const python = await pythonWith({
    name: `triton-${hash.digest('hex').slice(0, 8)}`,
    requirements: fileURLToPath(new URL('triton.requirements.txt', import.meta.url)),
    interpreters: ['/usr/bin/python3.11'],
    finish: addBackends,
  });
  return join(python, '../..');
}

/** `tritonserver` with KServe's flags (config/runtimes/kserve-tritonserver.yaml), of an environment in the folder `root`. */
export function tritonCommand(root: string): {
  program: string;
  flags: string[];
  env: Record<string, string>;
} {
  return {
    program: join(root, places.program),
    flags: [`--backend-directory=${join(root, places.backends)}`],
    env: {
      LD_LIBRARY_PATH: places.libraries.map((folder) => join(root, folder)).join(':'),
      // The backend's Python reads no PYTHONPATH, and finds its packages by the first `python3` of PATH.
      PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  };
}

/** The backends, and Python's library, with which the one for Python is linked. */
async function addBackends(folder: string): Promise<void> {
  const server = join(folder, packages, 'pytriton/tritonserver');
  const backends = join(folder, places.backends);
  await cp(join(server, 'backends/python'), join(backends, 'python'), { recursive: true });
  const stub = 'triton_python_backend_stub';
  await copyFile(join(server, 'python_backend_stubs/3.11', stub), join(backends, 'python', stub));
  await mkdir(join(backends, 'onnxruntime'));
  await copyFile(backend, join(backends, 'onnxruntime/model.py'));
  const loaded = await tryRun('apt-get', ['download', '-q', library], { cwd: folder }).catch(() => undefined);
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (loaded?.code !== 0 || archive === undefined)
    throw new PartMissing(`${library} is not here: use Debian 12, and run \`apt-get update\``);
  await run('dpkg', ['-x', join(folder, archive), join(folder, 'debian')]);
  await rm(join(folder, archive));
}
