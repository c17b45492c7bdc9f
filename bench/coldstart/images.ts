/** Images of the cold starts that no registry has: the server, and KServe's storage initializer from PyPI. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeArchive, writeLayer } from '../../tests/parts/kube/archive.ts';
import { goModule } from '../../tests/parts/kube/go.ts';
import { debianRoot, slimPackages } from '../../tests/parts/kube/rootfs.ts';
import { PartMissing } from '../../tests/parts/parts.ts';
import { run } from '../../tests/parts/run.ts';
import { toolPath } from '../tools.ts';
import { initializerEntry, initializerImage, kserveVersion, serverImage } from './objects.ts';

/** The server as the archive of an image, made in `folder`. Returns its path. */
export async function serverArchive(folder: string): Promise<string> {
  const layer = join(folder, 'server.layer');
  const from = fileURLToPath(new URL('server.py', import.meta.url));
  await writeLayer(layer, [{ to: 'usr/local/bin/reader', from, mode: 0o755 }]);
  const archive = join(folder, 'server.tar');
  const layers = [await debianRoot('slim', slimPackages), layer];
  const config = { User: '1000', Entrypoint: ['/usr/local/bin/reader'] };
  await writeArchive(archive, { name: serverImage, layers, config });
  return archive;
}

/**
 * The storage initializer, likewise: KServe's script and library as in its Dockerfile, on the Python of this machine. The
 * library is the one that the work `pull` measures. Throws PartMissing without Go or Debian 12.
 */
export async function initializerArchive(folder: string): Promise<string> {
  const { site, prefix, library } = await pythonFacts();
  const packages = join(folder, 'packages.layer');
  const where = 'opt/storage-initializer';
  await pack(packages, where, site, ['--exclude=./pip', '.']);
  const layers = [await debianRoot('slim', slimPackages), packages];
  // Debian's is in the image already; it is older than the one in KServe's image, python:3.11-slim.
  if (prefix !== '/usr') {
    const python = join(folder, 'python.layer');
    const without = ['test', 'site-packages', 'config-*'].map((name) => `--exclude=*/${name}`);
    await pack(python, 'opt/python', prefix, [...without, './bin/python3', './bin/python3.11', ...library]);
    layers.push(python);
  }
  const script = join(folder, 'script.layer');
  const source = await goModule('github.com/kserve/kserve', kserveVersion);
  const from = join(source, 'python', initializerEntry);
  await writeLayer(script, [{ to: initializerEntry.slice(1), from, mode: 0o755 }]);
  const archive = join(folder, 'initializer.tar');
  const environment = {
    PATH: '/opt/python/bin:/usr/local/bin:/usr/bin:/bin',
    LD_LIBRARY_PATH: '/opt/python/lib',
    PYTHONPATH: `/${where}`,
    HOME: '/tmp',
  };
  await writeArchive(archive, {
    name: initializerImage,
    layers: [...layers, script],
    config: {
      User: '1000',
      WorkingDir: '/tmp',
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      Entrypoint: ['python3', initializerEntry],
    },
  });
  return archive;
}

/** Why the storage initializer cannot unpack images here; undefined if it can. */
export async function missingTarFilters(): Promise<string | undefined> {
  const { version, hasFilters } = await pythonFacts();
  return hasFilters ? undefined : `Python ${version} unpacks no tar with a filter, as 3.11.4 does`;
}

/** The Python of the storage initializer's library. */
interface PythonFacts {
  version: string;
  /** The folder of the installed packages. */
  site: string;
  /** Where Python itself is. */
  prefix: string;
  /** Its modules and its shared library, below that. */
  library: string[];
  /** Whether it knows `tarfile.extract(filter=…)`. */
  hasFilters: boolean;
}

async function pythonFacts(): Promise<PythonFacts> {
  const code = `
import json, os, platform, sys, sysconfig, tarfile
shared = "lib/" + str(sysconfig.get_config_var("INSTSONAME"))
library = ["./lib/python3.11"] + ["./" + shared] * os.path.exists(os.path.join(sys.base_prefix, shared))
print(json.dumps({"version": platform.python_version(), "site": sysconfig.get_path("purelib"),
  "prefix": sys.base_prefix, "library": library, "hasFilters": hasattr(tarfile, "data_filter")}))
`;
  const said: PythonFacts = JSON.parse(await run(await toolPath('kserve-storage'), ['-c', code]));
  if (!said.version.startsWith('3.11.'))
    throw new PartMissing('the image of the storage initializer is made with Python 3.11 only: install it');
  return said;
}

/** Writes a layer with files of `root` below the folder `where`. */
async function pack(layer: string, where: string, root: string, words: string[]): Promise<void> {
  // Times stay: Python does not use compiled files that are older than their sources.
  const flags = ['--owner=0', '--group=0', `--transform=s,^\\./,${where}/,SH`];
  await run('tar', ['--create', '--file', layer, ...flags, '--directory', root, ...words]);
}
