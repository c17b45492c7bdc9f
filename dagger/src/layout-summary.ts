import { type Directory, func, object } from '@dagger.io/dagger';
import { refName } from './model-slices.ts';

/** What an image in an OCI image layout is */
@object()
export class LayoutSummary {
  /** Its name and version: iris:v1.2.3 */
  @func()
  name: string = '';

  /** Digest of its index, which the pushed image has too: sha256:… */
  @func()
  digest: string = '';

  /** Its platforms: linux/amd64 … */
  @func()
  platforms: string[] = [];

  /** Layers of one platform */
  @func()
  layers: number = 0;

  /** Bytes of all distinct layers of all platforms */
  @func()
  size: number = 0;
}

type Descriptor = { digest: string; size: number };
type Index = {
  manifests: (Descriptor & {
    annotations?: Record<string, string>;
    platform?: { os: string; architecture: string; variant?: string };
  })[];
};

/** The images of a layout by `buildLayout`, in the order of its index. Throws when a blob is missing or is not JSON. */
export async function summariesOf(layout: Directory): Promise<LayoutSummary[]> {
  const read = async <T>(path: string): Promise<T> => JSON.parse(await layout.file(path).contents()) as T;
  const blob = <T>({ digest }: Descriptor) => read<T>(`blobs/${digest.replace(':', '/')}`);
  const { manifests } = await read<Index>('index.json');
  return await Promise.all(
    manifests.map(async (image) => {
      const index = await blob<Index>(image);
      const trees = await Promise.all(index.manifests.map((one) => blob<{ layers: Descriptor[] }>(one)));
      const sizes = new Map(trees.flatMap(({ layers }) => layers.map((one) => [one.digest, one.size])));
      return Object.assign(new LayoutSummary(), {
        name: image.annotations?.[refName] ?? '',
        digest: image.digest,
        platforms: index.manifests.flatMap(({ platform }) =>
          platform ? [[platform.os, platform.architecture, platform.variant].filter(Boolean).join('/')] : [],
        ),
        layers: Math.max(...trees.map(({ layers }) => layers.length)),
        size: [...sizes.values()].reduce((sum, size) => sum + size, 0),
      });
    }),
  );
}
