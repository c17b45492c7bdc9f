/**
 * The programs used to judge modelcars in tests: where each comes from and how to get it. A part is looked for on PATH
 * (Debian's only: a pinned Go tool is always built), then in the cache, then built. See docs/internals/testing.md.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

interface DebianPart {
  package: string;
  file: string;
  /** Runs from any folder with only libc: unpacked into the cache, so installing it needs no root. */
  unpack?: true;
  /** Only from this package: another package has a program of the same name. */
  only?: true;
}

interface GoPart {
  module: string;
  version: string;
  file: string;
}

const debianParts = {
  'docker-registry': { package: 'docker-registry', file: 'usr/bin/docker-registry', unpack: true },
  umoci: { package: 'umoci', file: 'usr/bin/umoci', unpack: true },
  busybox: { package: 'busybox-static', file: 'bin/busybox', unpack: true, only: true },
  // A Perl script: it runs from any folder.
  mmdebstrap: { package: 'mmdebstrap', file: 'usr/bin/mmdebstrap', unpack: true },
  skopeo: { package: 'skopeo', file: 'usr/bin/skopeo' },
  podman: { package: 'podman', file: 'usr/bin/podman' },
  runc: { package: 'runc', file: 'usr/sbin/runc' },
  docker: { package: 'docker.io', file: 'usr/bin/docker' },
  dockerd: { package: 'docker.io', file: 'usr/sbin/dockerd' },
  chromium: { package: 'chromium', file: 'usr/bin/chromium' },
} satisfies Record<string, DebianPart>;

const goParts = {
  distribution: {
    module: 'github.com/distribution/distribution/v3/cmd/registry',
    version: 'v3.1.2',
    file: 'registry',
  },
  cosign: { module: 'github.com/sigstore/cosign/v3/cmd/cosign', version: 'v3.1.3', file: 'cosign' },
  oras: { module: 'oras.land/oras/cmd/oras', version: 'v1.3.6', file: 'oras' },
  crane: { module: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1', file: 'crane' },
  actionlint: {
    module: 'github.com/rhysd/actionlint/cmd/actionlint',
    version: 'v1.7.12',
    file: 'actionlint',
  },
  'fake-gcs-server': {
    module: 'github.com/fsouza/fake-gcs-server',
    version: 'v1.56.1',
    file: 'fake-gcs-server',
  },
  versitygw: { module: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0', file: 'versitygw' },
  grype: { module: 'github.com/anchore/grype/cmd/grype', version: 'v0.121.2', file: 'grype' },
  kustomize: { module: 'sigs.k8s.io/kustomize/kustomize/v5', version: 'v5.8.2', file: 'kustomize' },
} satisfies Record<string, GoPart>;

/** The parts that are compiled. */
export const goPartNames = Object.keys(goParts) as (keyof typeof goParts)[];

export type PartName = keyof typeof debianParts | keyof typeof goParts;

/** A part that cannot be installed on this machine; the message names what to install. */
export class PartMissing extends Error {
  override readonly name = 'PartMissing';
}

/** Whether a missing part is a failure (CI, or MODELCARS_REQUIRE_PARTS=1) rather than a skipped test. */
export function partsRequired(): boolean {
  return isOn(process.env.CI) || isOn(process.env.MODELCARS_REQUIRE_PARTS);
}

/** `~/.cache/modelcars-parts`, or $MODELCARS_PARTS. */
export function partsFolder(): string {
  return process.env.MODELCARS_PARTS || join(homedir(), '.cache', 'modelcars-parts');
}

/** The path of a part's program; built first if needed. Throws PartMissing if this machine cannot have it. */
export async function part(name: PartName): Promise<string> {
  if (isGoPart(name)) return await goPart(name, goParts[name]);
  return await debianPart(name, debianParts[name]);
}

/**
 * The sentence that states what to install, if any of the parts is missing; undefined if all are available. For
 * `describe.skipIf(missing)` or `ctx.skip(missing)`. Where parts are required it throws instead, so that no test is
 * skipped.
 */
export async function missingParts(...names: PartName[]): Promise<string | undefined> {
  for (const name of names) {
    try {
      await part(name);
    } catch (error) {
      if (!(error instanceof PartMissing) || partsRequired()) throw error;
      return error.message;
    }
  }
  return undefined;
}

/** A message if the tests do not run as root; like missingParts, throws it where parts are required. */
export function missingRoot(program: string): string | undefined {
  if (process.getuid?.() === 0) return undefined;
  const sentence = `${program} is run as root: run the tests as root`;
  if (partsRequired()) throw new PartMissing(sentence);
  return sentence;
}

/**
 * A file in the cache folder `key`, created by `make(folder)` if missing. Two processes may create it at the same time:
 * each works in a separate folder, one rename wins, and an incomplete folder never appears under `key`.
 */
export async function cached(
  key: string,
  file: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(partsFolder(), key);
  const path = join(folder, file);
  if (await executable(path)) return path;
  await mkdir(partsFolder(), { recursive: true });
  const made = await mkdtemp(join(partsFolder(), `.${key}-`));
  try {
    await chmod(made, 0o755);
    await make(made);
    if (!(await executable(join(made, file)))) throw new Error(`make part ${key}: it holds no ${file}`);
    await rename(made, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return path;
}

async function goPart(name: string, { module, version, file }: GoPart): Promise<string> {
  return await cached(`${name}-${version}-${process.arch}`, file, async (folder) => {
    const go = await onPath('go');
    if (!go) throw new PartMissing(`${name} is built from its Go module: install Go (1.25 or newer)`);
    const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0' };
    await exec(go, ['install', '-trimpath', '-ldflags=-s -w', `${module}@${version}`], { env });
  });
}

async function debianPart(name: string, { package: pkg, file, unpack, only }: DebianPart): Promise<string> {
  const installed = only ? await ownedFile(pkg, file) : await onPath(name);
  if (installed) return installed;
  const missing = new PartMissing(`${name} is not here: install the Debian package ${pkg}`);
  if (!(await onPath('apt-get'))) throw missing;
  if (unpack) {
    const version = await candidate(pkg);
    if (!version) throw missing;
    // Without the epoch's colon, which would end a path in `--volume`.
    return await cached(
      `${name}-${version.replace(':', '_')}`,
      file,
      async (folder) => await unpackDebian(pkg, folder),
    );
  }
  // Such a package also installs libraries and services: never without the developer's knowledge.
  if (!partsRequired() || process.getuid?.() !== 0) throw missing;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await exec('apt-get', ['install', '-y', '-q', '--no-install-recommends', pkg], { env });
  return `/${file}`;
}

async function unpackDebian(pkg: string, folder: string): Promise<void> {
  await exec('apt-get', ['download', '-q', pkg], { cwd: folder }).catch((cause: unknown) => {
    throw new PartMissing(`${pkg} cannot be downloaded: run apt-get update, or install it`, { cause });
  });
  const archive = (await readdir(folder)).find((entry) => entry.endsWith('.deb'));
  if (!archive) throw new Error(`unpack ${pkg}: apt-get download left no .deb`);
  await exec('dpkg', ['-x', join(folder, archive), folder]);
  await rm(join(folder, archive));
}

/** The installed file, if it comes from this package. */
async function ownedFile(pkg: string, file: string): Promise<string | undefined> {
  const query = exec('dpkg-query', ['--search', `/${file}`]).catch(() => ({ stdout: '' }));
  return (await query).stdout.startsWith(`${pkg}:`) ? `/${file}` : undefined;
}

/** The version that apt would install; undefined if it knows none (no lists: `apt-get update` never ran). */
async function candidate(pkg: string): Promise<string | undefined> {
  const { stdout } = await exec('apt-cache', ['policy', pkg], { env: { ...process.env, LC_ALL: 'C' } });
  const version = /^ +Candidate: (\S+)$/m.exec(stdout)?.[1];
  return version === '(none)' ? undefined : version;
}

/** A program on PATH or in the administrator's folders, which an unprivileged PATH on Debian leaves out. */
async function onPath(name: string): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const folder of new Set([...folders, '/usr/sbin', '/sbin'])) {
    if (folder && (await executable(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

async function executable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function isGoPart(name: PartName): name is keyof typeof goParts {
  return name in goParts;
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}
