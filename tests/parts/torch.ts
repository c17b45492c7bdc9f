/** PyTorch 1.13 of Debian 12: CPU only, a tenth of the size of the package index's build for x86-64. */
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PartMissing } from './parts.ts';
import { run, tryRun } from './run.ts';

const torch = 'python3-torch';

/** The environment in which a Python that `addTorch` completed finds PyTorch's libraries. */
export async function torchEnvironment(root: string): Promise<Record<string, string>> {
  return { LD_LIBRARY_PATH: (await librariesOf(join(root, 'debian'))).join(':') };
}

/**
 * Unpacks PyTorch and the libraries that this machine lacks into `root/debian`, and links it into the Python
 * environment. Throws PartMissing on anything but Debian 12.
 */
export async function addTorch(root: string): Promise<void> {
  const packages = await neededPackages();
  const debian = join(root, 'debian');
  const archives = join(root, 'archives');
  await mkdir(archives);
  await run('apt-get', ['download', '-q', ...packages], { cwd: archives, timeout: 900_000 });
  for (const archive of await readdir(archives)) await run('dpkg', ['-x', join(archives, archive), debian]);
  await rm(archives, { recursive: true });
  await rm(join(debian, 'usr/share'), { recursive: true, force: true });
  const modules = 'usr/lib/python3/dist-packages';
  for (const name of await readdir(join(debian, modules))) {
    if (!/^torch(-.*-info)?$/.test(name)) continue;
    await symlink(join('../../../debian', modules, name), join(root, 'lib/python3.11/site-packages', name));
  }
}

/**
 * The packages that apt would install for PyTorch, without Python packages that pip provides and those that only its
 * own tests need.
 */
async function neededPackages(): Promise<string[]> {
  const env = { LC_ALL: 'C' };
  const plan = await tryRun('apt-get', ['install', '-s', '--no-install-recommends', torch], { env }).catch(
    () => undefined,
  );
  const names = [...(plan?.stdout.matchAll(/^Inst (\S+)/gm) ?? [])].map(([, name = '']) => name);
  if (plan?.code !== 0 || !names.some((name) => name.startsWith('libtorch1.13'))) {
    throw new PartMissing(
      `PyTorch 1.13 is not here: use Debian 12 without ${torch} installed, and run \`apt-get update\``,
    );
  }
  return names.filter((name) => name === torch || !/^(python3-|libtorch-test$|.*-data$)/.test(name));
}

/** Folders of libraries, including those that alternatives (BLAS) would link to. */
async function librariesOf(debian: string): Promise<string[]> {
  const folders = [join(debian, 'usr/lib')];
  for (const parent of ['usr/lib', 'lib']) {
    for (const name of await readdir(join(debian, parent)).catch(() => [])) {
      if (!name.endsWith('-linux-gnu')) continue;
      const folder = join(debian, parent, name);
      folders.push(folder, join(folder, 'blas'), join(folder, 'lapack'));
    }
  }
  return folders;
}
