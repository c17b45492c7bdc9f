/** The node of the cluster, a container of this machine: its CPU time, its disk, its images. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../tests/parts/run.ts';
import { diskOf } from '../disk.ts';

export interface BenchNode {
  /** Seconds of CPU of all its processes so far, pods included. */
  cpu(): number;
  /** Bytes of images and volumes that it has now. */
  disk(): number;
  /** Removes the images of a registry (`HOST:PORT`) once no container is left of them. Fails after a minute. */
  forgetImages(registry: string): Promise<void>;
}

/** What `docker inspect` says, limited to the fields read here. */
interface Container {
  Id: string;
  State: { Pid: number };
  Mounts: { Source: string; Destination: string }[];
}

/** Opens the node in a container; `env` names the Docker daemon. */
export async function openNode(name: string, env: Record<string, string>): Promise<BenchNode> {
  const docker = async (...args: string[]): Promise<string> => await run('docker', args, { env });
  const [container]: Container[] = JSON.parse(await docker('inspect', name));
  // kind's images have a volume for it: containerd's store and the kubelet's emptyDirs.
  const data = container?.Mounts.find(({ Destination }) => Destination === '/var')?.Source;
  if (container === undefined || data === undefined) throw new Error(`inspect node ${name}: no volume /var`);
  const usage = usageFile(readFileSync(`/proc/${container.State.Pid}/cgroup`, 'utf8'), container.Id);
  const ctr = async (...args: string[]): Promise<string> =>
    await docker('exec', name, 'ctr', '--namespace', 'k8s.io', ...args);
  const isUsed = async (images: string[]): Promise<boolean> => {
    const used = cellsOf(await ctr('containers', 'list')).map(([, image]) => image ?? '');
    return used.some((image) => images.includes(image));
  };
  return {
    cpu: () => usage.seconds(readFileSync(usage.file, 'utf8')),
    disk: () => diskOf(data),
    forgetImages: async (registry) => {
      const images = namesOfImages(await ctr('images', 'list'), registry);
      if (images.length === 0) return;
      // The kubelet removes containers some time after their pod has ended, and they keep layers.
      for (let tries = 0; await isUsed(images); tries++) {
        if (tries === 120)
          throw new Error(`remove images of ${registry}: the node still has containers of them`);
        await sleep(500);
      }
      // Waits until containerd has removed from disk what nothing refers to any more.
      await ctr('images', 'rm', '--sync', ...images);
    },
  };
}

/**
 * All names of a registry's images in what `ctr images list` prints: the CRI also names each by the digest of its
 * config.
 */
export function namesOfImages(list: string, registry: string): string[] {
  const images = cellsOf(list).map(([name = '', , digest = '']) => ({ name, digest }));
  const own = images.filter(({ name }) => name.startsWith(`${registry}/`)).map(({ digest }) => digest);
  return images.filter(({ digest }) => own.includes(digest)).map(({ name }) => name);
}

/** The cells of a table that `ctr` prints, without its heading. */
function cellsOf(table: string): string[][] {
  const rows = table.split('\n').slice(1).filter(Boolean);
  return rows.map((row) => row.split(/\s+/));
}

export interface UsageFile {
  file: string;
  /** Reads its text. */
  seconds(text: string): number;
}

/**
 * Where the kernel counts the CPU time of a container, by the text of /proc/PID/cgroup of one of its processes
 * (cgroups(7)): version 1 in nanoseconds, version 2 in microseconds. Fails when it has no line with the container's id.
 */
export function usageFile(cgroups: string, id: string): UsageFile {
  const lines = cgroups.split('\n').map((line) => line.split(':'));
  // The part of the path with the id; systemd in the node has moved itself further down.
  const whole = (path: string): string => path.slice(0, `${path}/`.indexOf('/', path.indexOf(id)));
  const has = ([, , path = '']: string[]): boolean => path.includes(id);
  const older = lines.find((line) => line[1]?.split(',').includes('cpuacct') && has(line));
  if (older?.[2] !== undefined)
    return {
      file: `/sys/fs/cgroup/cpuacct${whole(older[2])}/cpuacct.usage`,
      seconds: (text) => Number(text) / 1e9,
    };
  const newer = lines.find((line) => line[0] === '0' && has(line));
  if (newer?.[2] === undefined) throw new Error(`read the CPU time of ${id}: no cgroup of it\n${cgroups}`);
  return {
    file: `/sys/fs/cgroup${whole(newer[2])}/cpu.stat`,
    seconds: (text) => Number(/^usage_usec (\d+)$/m.exec(text)?.[1]) / 1e6,
  };
}
