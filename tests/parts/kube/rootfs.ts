/** Debian root file systems as tars, of the packages of this machine's own package sources. */
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { cached, PartMissing, part } from '../parts.ts';
import { run } from '../run.ts';

/** Packages that kind's own node image contains too; runc and the CNI plugins are Debian's. */
export const nodePackages = [
  'bash,ca-certificates,conntrack,containernetworking-plugins,curl,ethtool,findutils,iproute2,iptables,jq,kmod',
  'libseccomp2,mount,nftables,pigz,procps,runc,systemd,util-linux',
].join();

/** For workloads in the cluster: Python 3.11 and OpenMP for model servers, iptables for kube-proxy. */
export const slimPackages =
  'ca-certificates,conntrack,iptables,kmod,libgomp1,libpython3-stdlib,nftables,python3-minimal';

const suite = 'bookworm';

/**
 * The path of a tar with a Debian 12 that holds these packages (joined by commas); made first when need be. Owners are numbers.
 * Throws PartMissing on another system and for anyone but root.
 */
export async function debianRoot(name: string, packages: string): Promise<string> {
  const hash = createHash('sha256').update(packages).digest('hex');
  return await cached(`debian-${suite}-${name}-${hash.slice(0, 12)}`, 'root.tar', async (folder) => {
    const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
    if (!release.includes(`VERSION_CODENAME=${suite}`) || process.getuid?.() !== 0) {
      throw new PartMissing('root file systems are made on Debian 12 only, by root');
    }
    const tool = await part('mmdebstrap');
    const tar = join(folder, 'root.tar');
    const temporary = await mkdtemp(join(tmpdir(), 'modelcars-debian-'));
    try {
      const nothing = ['man', 'doc', 'locale', 'info'].map(
        (at) => `--dpkgopt=path-exclude=/usr/share/${at}/*`,
      );
      const flags = ['--mode=root', '--variant=minbase', '--dpkgopt=force-unsafe-io', ...nothing];
      const what = [`--include=${packages}`, '--aptopt=Apt::Install-Recommends "false"', suite, tar];
      await run(tool, ['--quiet', ...flags, ...what, ...(await packageSources())], {
        // It calls its own mmtarfilter by name, which is beside it in the cache and on no PATH.
        env: { TMPDIR: temporary, PATH: [dirname(tool), process.env.PATH].join(delimiter) },
        timeout: 1_200_000,
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    // So that `cached` takes it for whole.
    await chmod(tar, 0o755);
  });
}

/** Where this machine's own apt gets packages from: files in either of apt's formats. */
async function packageSources(): Promise<string[]> {
  const folder = '/etc/apt/sources.list.d';
  const files = await readdir(folder).catch(() => []);
  const sources = files.filter((file) => /\.(sources|list)$/.test(file)).map((file) => join(folder, file));
  const list = '/etc/apt/sources.list';
  const lines = await readFile(list, 'utf8').catch(() => '');
  if (/^deb /m.test(lines)) sources.push(list);
  if (sources.length > 0) return sources;
  throw new PartMissing('root file systems want package sources: apt has none');
}
