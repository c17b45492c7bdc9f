import { encodeHeader, endOfArchive, paddingOf } from '../../image/tar.ts';
import type { Descriptor } from '../../image/types.ts';
import { layoutVersion } from '../../layout/entries.ts';
import { run } from '../run-program.ts';
import type { Kind } from './kind.ts';
import { type ServedImage, withinImage } from './registry-server.ts';

/**
 * Copies this machine's images into the nodes of a kind cluster, under the names `registry/NAME@DIGEST`, for engines
 * whose nodes cannot reach this machine. Streams them; writes nothing to this machine's disk.
 */
export async function importImages(
  kind: Kind,
  images: readonly (ServedImage & { name: string })[],
  signal: AbortSignal,
): Promise<void> {
  for (const node of await kind.nodes()) {
    const args = ['ctr', '-n', 'k8s.io', 'images', 'import', '--all-platforms', '--no-unpack', '-'];
    await run(kind.engine, ['exec', '-i', node, ...args], { input: layoutTar(images), signal });
    // containerd only runs an unpacked image. The node can unpack its own platform only, so failures are expected.
    for (const { name } of images)
      await run(kind.engine, ['exec', node, 'ctr', '-n', 'k8s.io', 'images', 'unpack', name], {
        signal,
        mayFail: true,
      });
  }
}

/** An OCI image layout as a tar for `ctr images import`; the name is containerd's annotation. */
export async function* layoutTar(
  images: readonly (ServedImage & { name: string })[],
): AsyncGenerator<Uint8Array> {
  const done = new Set<string>();
  const entries: Descriptor[] = [];
  for (const { store, root, name } of images) {
    entries.push({ ...root, annotations: { 'io.containerd.image.name': name } });
    for (const descriptor of await withinImage(store, root)) {
      if (done.has(descriptor.digest)) continue;
      done.add(descriptor.digest);
      yield header(`blobs/sha256/${descriptor.digest.slice('sha256:'.length)}`, descriptor.size);
      yield* store.open(descriptor);
      yield new Uint8Array(paddingOf(descriptor.size));
    }
  }
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: entries,
  };
  for (const [path, text] of [
    ['oci-layout', layoutVersion],
    ['index.json', JSON.stringify(index)],
  ] as const) {
    const bytes = new TextEncoder().encode(text);
    yield header(path, bytes.length);
    yield bytes;
    yield new Uint8Array(paddingOf(bytes.length));
  }
  yield endOfArchive;
}

function header(path: string, size: number): Uint8Array {
  return encodeHeader({ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, size });
}
