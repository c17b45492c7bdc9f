/**
 * Finds the tools to compare with: on PATH, otherwise as a part of the tests, otherwise from PyPI in a separate
 * environment.
 */
import { access, constants, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { containerdPrograms } from '../tests/parts/kube/programs.ts';
import { cached, PartMissing, type PartName, part, partsFolder } from '../tests/parts/parts.ts';
import { run, tryRun } from '../tests/parts/run.ts';
import type { Tool } from './types.ts';

interface Source {
  /** The arguments that print its version; none if pip or the cache's folder names it. */
  version: string[];
  /** The part to fetch if it is not on PATH; without it, only PATH counts. */
  part?: PartName;
  /** The requirement for pip. */
  pip?: string;
  /** The program of the Python environment; of the same name by default. */
  program?: string;
  /** The folder of programs that tests build for clusters; PATH does not count. */
  built?: () => Promise<string>;
}

const sources: Record<string, Source> = {
  node: { version: ['--version'] },
  tar: { version: ['--version'] },
  cp: { version: ['--version'] },
  openssl: { version: ['version'] },
  curl: { version: ['--version'] },
  nginx: { version: ['-v'] },
  'docker-registry': { version: ['--version'], part: 'docker-registry' },
  // Its program is called `registry`, too generic a name to look for on PATH.
  distribution: { version: ['--version'], part: 'distribution' },
  podman: { version: ['--version'], part: 'podman' },
  buildah: { version: ['--version'] },
  skopeo: { version: ['--version'], part: 'skopeo' },
  crane: { version: ['version'], part: 'crane' },
  olot: { version: [], pip: 'olot==1.2.1' },
  hf: { version: ['version'], pip: 'huggingface_hub==2.4.0' },
  // A library, which KServe's storage initializer calls.
  'kserve-storage': { version: [], pip: 'kserve-storage==0.21.0', program: 'python' },
  'oci-modelcar': { version: [], pip: 'oci-modelcar==1.3.0' },
  containerd: { version: [], built: containerdPrograms },
  ctr: { version: [], built: containerdPrograms },
  versitygw: { version: [], part: 'versitygw' },
  modctl: { version: ['version'] },
  kit: { version: ['version'] },
};

const found = new Map<string, Promise<Tool | undefined>>();

/**
 * The tool of this name; undefined if it is not available on this machine. Parts and PyPI packages are fetched first if
 * needed.
 */
export function findTool(name: string): Promise<Tool | undefined> {
  let tool = found.get(name);
  if (tool === undefined) {
    tool = search(name);
    found.set(name, tool);
  }
  return tool;
}

/** The path of a tool that findTool found earlier. */
export async function toolPath(name: string): Promise<string> {
  const tool = await findTool(name);
  if (tool === undefined) throw new Error(`find ${name}: it is not on this machine`);
  return tool.path;
}

async function search(name: string): Promise<Tool | undefined> {
  if (name === 'node') return { path: process.execPath, version: process.version };
  const source = sources[name] ?? { version: ['--version'] };
  const path = await locate(name, source);
  if (path === undefined) return undefined;
  if (source.version.length === 0)
    return {
      path,
      version: source.pip?.split('==')[1] ?? /-v?(\d[\w.]*)-[^-]+\/[^/]+$/.exec(path)?.[1] ?? '',
    };
  const { stdout, stderr } = await tryRun(path, source.version);
  return { path, version: versionIn(stdout || stderr) };
}

async function locate(name: string, source: Source): Promise<string | undefined> {
  const { part: from, pip, program = name, built } = source;
  const own = pip || built ? undefined : await onPath(name);
  if (own !== undefined) return own;
  try {
    if (from !== undefined) return await part(from);
    if (built !== undefined) return join(await built(), name);
    if (pip !== undefined) return await fromPip(program, pip);
  } catch (error) {
    if (!(error instanceof PartMissing)) throw error;
  }
  return undefined;
}

/** A virtual environment in the parts' cache. */
async function fromPip(name: string, requirement: string): Promise<string> {
  const python = await onPath('python3');
  if (python === undefined) throw new PartMissing(`${name} is a Python program: install Python 3 with venv`);
  const key = `bench-${requirement.replace('==', '-')}-${process.arch}`;
  return await cached(key, `bin/${name}`, async (folder) => {
    await run(python, ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', requirement];
    await run(join(folder, 'bin', 'python'), pip, { timeout: 600_000 });
    if (name === 'python') return;
    // The first line names the folder it was created in, not its final one.
    const program = await readFile(join(folder, 'bin', name), 'utf8');
    const first = `#!${join(partsFolder(), key, 'bin', 'python')}`;
    await writeFile(join(folder, 'bin', name), program.replace(/^#!.*/, first));
  });
}

async function onPath(name: string): Promise<string | undefined> {
  // Debian installs servers in a folder that is not on an ordinary user's PATH.
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']) {
    const path = join(folder, name);
    if (
      folder !== '' &&
      (await access(path, constants.X_OK)
        .then(() => true)
        .catch(() => false))
    )
      return path;
  }
  return undefined;
}

/** The text after `version:`, otherwise the first word that looks like a version, otherwise the first line. */
function versionIn(text: string): string {
  const said = /^\s*version:\s+(\S+)/im.exec(text)?.[1];
  return said ?? /v?\d+\.\d+[\w.+-]*/.exec(text)?.[0] ?? text.trim().split('\n')[0] ?? '';
}
