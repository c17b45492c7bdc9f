/** Container images put together without a daemon, as `docker load` and `ctr images import` read them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../run.ts';

/** The part of an image's configuration that a process sees; keys as in the OCI image specification. */
export interface ProcessConfig {
  User?: string;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
  StopSignal?: string;
}

export interface ImageContent {
  /** `docker.io/kserve/kserve-controller:v0.16.0` */
  name: string;
  /** Uncompressed tars, the lowest first. */
  layers: string[];
  config: ProcessConfig;
}

const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Writes an image for this machine's platform to `file`. The format is Docker's ("Docker Image Specification v1.2.0", Combined Image
 * JSON + Filesystem Changeset Format): Docker 20.10 reads no other, containerd reads it too.
 */
export async function writeArchive(file: string, { name, layers, config }: ImageContent): Promise<void> {
  const folder = await mkdtemp(join(dirname(file), '.archive-'));
  try {
    const names: string[] = [];
    const diffIds: string[] = [];
    for (const [at, layer] of layers.entries()) {
      // The tar of another file system cannot be linked.
      await link(layer, join(folder, `${at}.tar`)).catch(() => copyFile(layer, join(folder, `${at}.tar`)));
      names.push(`${at}.tar`);
      diffIds.push(`sha256:${await sha256(layer)}`);
    }
    const document = {
      created: '1970-01-01T00:00:00Z',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Env: [path], ...config },
      rootfs: { type: 'layers', diff_ids: diffIds },
    };
    await writeFile(join(folder, 'config.json'), JSON.stringify(document));
    const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: names }];
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    const plain = ['--owner=0', '--group=0', '--mtime=@0'];
    const entries = ['manifest.json', 'config.json', ...names];
    await run('tar', ['--create', '--file', file, ...plain, '--directory', folder, ...entries]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One file of a layer: where it goes, without a leading slash, and the file it is a copy of; or a folder. */
export interface LayerFile {
  to: string;
  /** Absent for an empty folder. */
  from?: string;
  mode: number;
}

/** Writes a layer with these files and nothing else; all belong to root. */
export async function writeLayer(file: string, files: LayerFile[]): Promise<void> {
  const tree = await mkdtemp(join(tmpdir(), 'modelcars-layer-'));
  try {
    for (const { to, from, mode } of files) {
      const target = join(tree, to);
      await mkdir(from === undefined ? target : dirname(target), { recursive: true });
      if (from !== undefined) await copyFile(from, target);
      await run('chmod', [mode.toString(8), target]);
    }
    await tarTree(file, tree, ['--owner=0', '--group=0']);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** Writes a tar of a folder's content, the same bytes whenever the content is the same. */
export async function tarTree(file: string, tree: string, flags: string[] = []): Promise<void> {
  const plain = ['--numeric-owner', '--mtime=@0', '--sort=name', ...flags];
  await run('tar', ['--create', '--file', file, ...plain, '--directory', tree, '.']);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
