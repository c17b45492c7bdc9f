import { run, stream } from '../run-program.ts';
import type { Kind } from './kind.ts';

/** Go's processor names (as in platforms) for those of `uname -m`. */
const architectures: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' };

/**
 * Loads images that a cluster will run into its nodes through the container engine, which keeps them for the next
 * cluster: deleting a node also deletes the images it pulled. Images that a node already has are left alone. An image
 * that cannot be loaded is a warning: the node then pulls it itself.
 *
 * Does not use `kind load`, which fails on multi-platform images where docker uses containerd's image store (kind issue
 * 3795): it imports all platforms, and docker has pulled only one.
 */
export async function bringCached(
  kind: Kind,
  images: readonly string[],
  { signal, say, warn }: { signal: AbortSignal; say(line: string): void; warn(line: string): void },
): Promise<void> {
  const nodes = images.length === 0 ? [] : await kind.nodes();
  for (const image of new Set(images)) {
    // `docker save` writes no name into its archive for an image referenced by digest.
    if (image.includes('@')) continue;
    try {
      const lacking: string[] = [];
      for (const node of nodes) if (!(await has(kind, node, image))) lacking.push(node);
      if (lacking.length === 0) continue;
      await pullIfNeeded(kind, image, signal, say);
      say(`loading ${image}`);
      for (const node of lacking) await load(kind, node, image, signal);
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
      warn(`cache image ${image}: ${why}; the node will pull it`);
    }
  }
}

/** The full name that containerd uses for an image, with registry and tag. */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const registry = rest.length > 0 && /[.:]|^localhost$/.test(first);
  const named = registry ? image : `docker.io/${rest.length === 0 ? 'library/' : ''}${image}`;
  return /:[^/]+$/.test(named) ? named : `${named}:latest`;
}

async function has(kind: Kind, node: string, image: string): Promise<boolean> {
  const list = ['ctr', '-n', 'k8s.io', 'images', 'ls', '-q', `name==${fullName(image)}`];
  const { code, stdout } = await run(kind.engine, ['exec', node, ...list], { mayFail: true });
  return code === 0 && stdout.trim() !== '';
}

/** Pulls the image if the engine lacks it, or if its tag is `latest`, which may have moved. */
async function pullIfNeeded(
  kind: Kind,
  image: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const moves = fullName(image).endsWith(':latest');
  const { code } = await run(kind.engine, ['image', 'inspect', image], { signal, mayFail: true });
  if (code === 0 && !moves) return;
  say(`pulling ${image}`);
  await run(kind.engine, ['pull', image], { signal });
}

async function load(kind: Kind, node: string, image: string, signal: AbortSignal): Promise<void> {
  const machine = (await run(kind.engine, ['exec', node, 'uname', '-m'])).stdout.trim();
  const platform = `linux/${architectures[machine] ?? machine}`;
  const words = ['ctr', '-n', 'k8s.io', 'images', 'import', '--platform', platform, '-'];
  const input = stream(kind.engine, ['save', image], signal);
  await run(kind.engine, ['exec', '-i', node, ...words], { input, signal });
}
