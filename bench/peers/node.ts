/** How a node gets a model: by containerd or podman from an image, or by an init container that writes files. */
import { dirname, join } from 'node:path';
import { toolPath } from '../tools.ts';
import type { BenchModel, Job, Peer, Step } from '../types.ts';
import { buildah } from './buildah.ts';
import { crane } from './crane.ts';
import { kit } from './kit.ts';
import { type Compression, programStep, pushSteps } from './modelcars.ts';
import { ociModelcar } from './oci-modelcar.ts';
import { olot } from './olot.ts';
import { podman, storage } from './podman.ts';

type Publish = (job: Job) => Promise<Step[]>;

/** The folder in which a pull's steps leave the model's files. */
export function pulledTo(job: Job, model: BenchModel): string {
  return join(mountOf(job, model), 'models');
}

const mountOf = ({ folder, pod = 1 }: Job, { name }: BenchModel): string =>
  join(folder, 'pods', `${pod}`, name);

/** A kubelet asks no registry for a version that its node has: `imagePullPolicy: IfNotPresent`. */
const hasImage = ({ pod = 1, changed }: Job): boolean => pod > 1 && !changed;

/**
 * Layers and the parts of a layer in parallel, which the defaults of containerd 2.2 do not do:
 * plugins/transfer/plugin.go.
 */
const parallel = `[plugins."io.containerd.transfer.v1.local"]
  max_concurrent_downloads = 6
  concurrent_layer_fetch_buffer = ${8 * 1024 ** 2}
  max_concurrent_unpacks = 4
`;

/** All ways, the default image on the default containerd first: the others are compared with it. */
export const nodePeers: Peer[] = [
  onContainerd('modelcars', 'modelcars image, containerd', ['node'], ours('none')),
  onContainerd('modelcars-gzip', 'modelcars image with gzip, containerd', ['node'], ours('gzip')),
  onContainerd('modelcars-zstd', 'modelcars image with zstd, containerd', ['node'], ours('zstd')),
  onContainerd(
    'modelcars-parallel',
    'modelcars image, containerd set to parallel',
    ['node'],
    ours('none'),
    parallel,
  ),
  imageOf(crane, 'tar | crane append'),
  imageOf(olot, 'olot'),
  { ...imageOf(ociModelcar, 'oci-modelcar'), readsHub: true },
  imageOf(buildah, 'buildah commit --squash'),
  imageOf(podman, 'podman build --squash'),
  onPodman('modelcars-on-podman', 'modelcars image, podman', ['node'], ours('none')),
  onPodman('podman-on-podman', 'podman build --squash image, podman', ['podman'], pushedBy(podman)),
  unpacked(),
  kitUnpacked(),
  initializer('oci-fetch', 'modelcars image, KServe oci+fetch://', {
    needs: ['node'],
    publish: ours('none'),
    uri: ({ repository }) => `oci://${repository}:v1`,
  }),
  initializer('hf', 'KServe storage initializer, hf://', {
    from: 'hub',
    uri: ({ name }) => `hf://bench/${name}`,
  }),
  initializer('s3', 'KServe storage initializer, s3://', {
    from: 's3',
    needs: ['versitygw'],
    uri: ({ name }) => `s3://models/${name}`,
  }),
];

function ours(compression: Compression): Publish {
  return async (job) => await pushSteps(job, compression);
}

/** What the peer does for a push from disk, preparation included. */
function pushedBy(peer: Peer): Publish {
  const kind = peer.kinds.includes('push') ? 'push' : 'hub';
  return async (job) => [...((await peer.prepare?.(job, kind)) ?? []), ...(await peer.steps(job, kind))];
}

function imageOf(peer: Peer, what: string): Peer {
  return onContainerd(peer.name, `${what} image, containerd`, peer.needs, pushedBy(peer));
}

/** `ctr` asks the daemon's transfer service, as a kubelet does through the CRI. */
function onContainerd(name: string, title: string, needs: string[], publish: Publish, settings = ''): Peer {
  return {
    name,
    title: () => title,
    kinds: ['pull'],
    needs: [...needs, 'containerd', 'ctr'],
    pull: { publish, containerd: settings },
    async steps(job) {
      const program = await toolPath('ctr');
      const common = ['--address', job.containerd ?? '', '--namespace', 'k8s.io', 'images'];
      return job.models.flatMap((model) => {
        const image = `${model.repository}:v1`;
        const pull = { program, args: [...common, 'pull', '--plain-http', '--skip-metadata', image] };
        return [
          ...(hasImage(job) ? [] : [pull]),
          { program: 'mkdir', args: ['-p', mountOf(job, model)] },
          { program, args: [...common, 'mount', image, mountOf(job, model)] },
        ];
      });
    },
  };
}

/** CRI-O's storage and image libraries, without CRI-O. */
function onPodman(name: string, title: string, needs: string[], publish: Publish): Peer {
  return {
    name,
    title: () => title,
    kinds: ['pull'],
    needs: [...new Set([...needs, 'podman'])],
    pull: { publish },
    async steps(job) {
      const program = await toolPath('podman');
      return job.models.flatMap((model) => {
        const image = `${model.repository}:v1`;
        const mount = [program, ...storage(job), 'image', 'mount', image].join(' ');
        const pull = {
          program,
          args: [...storage(job), 'pull', '--quiet', '--tls-verify=false', image],
        };
        return [
          ...(hasImage(job) ? [] : [pull]),
          { program: 'mkdir', args: ['-p', dirname(mountOf(job, model))] },
          { program: 'bash', args: ['-c', `ln -s "$(${mount})" ${mountOf(job, model)}`] },
        ];
      });
    },
    clean: podman.clean as NonNullable<Peer['clean']>,
  };
}

/** `modelcars pull`, as an init container would run it. */
function unpacked(): Peer {
  return {
    name: 'modelcars-pull',
    title: () => 'modelcars image, modelcars pull',
    kinds: ['pull'],
    needs: ['node'],
    pull: { publish: ours('none') },
    steps: async (job) =>
      job.models.map((model) =>
        programStep(['pull', `${model.repository}:v1`, '--output', pulledTo(job, model), '--no-progress']),
      ),
  };
}

/** KitOps' init container runs `kit unpack`. */
function kitUnpacked(): Peer {
  return {
    name: 'kit',
    title: () => 'ModelKit, kit unpack',
    kinds: ['pull'],
    needs: ['kit'],
    pull: { publish: pushedBy(kit) },
    async steps(job) {
      const program = await toolPath('kit');
      const common = ['--config', join(job.folder, 'kit'), '--progress', 'none', '--plain-http'];
      return job.models.map((model) => ({
        program,
        args: ['unpack', ...common, '--dir', pulledTo(job, model), `${model.repository}:v1`],
      }));
    },
  };
}

interface Initializer {
  needs?: string[];
  publish?: Publish;
  from?: 'hub' | 's3';
  uri(model: BenchModel): string;
}

/** The library behind KServe's storage initializer, called as its entry point calls it; here without a CPU limit. */
function initializer(name: string, title: string, { needs = [], publish, from, uri }: Initializer): Peer {
  const code = 'import sys; from kserve_storage import Storage; Storage.download(sys.argv[1], sys.argv[2])';
  return {
    name,
    title: () => title,
    kinds: ['pull'],
    needs: ['kserve-storage', ...needs],
    pull: { ...(publish && { publish }), ...(from && { from }) },
    ...(from === 'hub' && { readsHub: true }),
    async steps(job) {
      const program = await toolPath('kserve-storage');
      return job.models.map((model) => ({
        program,
        args: ['-c', code, uri(model), pulledTo(job, model)],
      }));
    },
  };
}
