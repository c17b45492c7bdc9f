/** A registry as a puller sees it: its tags, and whether their images are complete. */

const accept = ['index', 'manifest'].map((kind) => `application/vnd.oci.image.${kind}.v1+json`).join(', ');

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** The tags of a repository, sorted; none if the registry does not have it. */
export async function tagsOf(host: string, repository: string): Promise<string[]> {
  const response = await fetch(`http://${host}/v2/${repository}/tags/list?n=1000`);
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(`list ${repository}: ${response.status}`);
  const { tags } = (await response.json()) as { tags: string[] | null };
  return (tags ?? []).sort();
}

/** The digest of a tag; undefined if the tag does not exist. */
export async function tagDigest(host: string, repository: string, tag: string): Promise<string | undefined> {
  const url = `http://${host}/v2/${repository}/manifests/${tag}`;
  const response = await fetch(url, { method: 'HEAD', headers: { accept } });
  return response.ok ? (response.headers.get('docker-content-digest') ?? undefined) : undefined;
}

/**
 * Checks everything that a tag refers to: the manifest of each platform, its config, each layer. Returns the digests
 * (or the tag itself) that the registry lacks or has in another size; empty if a pull would succeed.
 */
export async function holesBehind(
  host: string,
  repository: string,
  tag: string,
  seen = new Set<string>(),
): Promise<string[]> {
  const holes: string[] = [];
  const visit = async (reference: string): Promise<void> => {
    const url = `http://${host}/v2/${repository}/manifests/${reference}`;
    const response = await fetch(url, { headers: { accept } });
    if (!response.ok) {
      await response.body?.cancel();
      holes.push(reference);
      return;
    }
    const document = (await response.json()) as {
      manifests?: Descriptor[];
      config?: Descriptor;
      layers?: Descriptor[];
    };
    for (const { digest } of document.manifests ?? []) {
      if (!seen.has(digest)) await visit(digest);
      seen.add(digest);
    }
    const blobs = [...(document.config ? [document.config] : []), ...(document.layers ?? [])];
    for (const { digest, size } of blobs) {
      if (seen.has(digest)) continue;
      const found = await fetch(`http://${host}/v2/${repository}/blobs/${digest}`, { method: 'HEAD' });
      if (!found.ok || Number(found.headers.get('content-length')) !== size) holes.push(digest);
      else seen.add(digest);
    }
  };
  await visit(tag);
  return holes;
}
