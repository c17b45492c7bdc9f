import { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { parseIndex, parseManifest } from '../../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../../image/types.ts';
import type { ModelReader } from '../../model/types.ts';
import { compareBytes } from '../../text/paths.ts';
import { modelsRoot } from '../../verify/paths.ts';
import { LayerFiles } from './layer-files.ts';
import { openTar } from './tar-bytes.ts';

/** A model's files in an image. Dispose of it at the end. */
export type ImageFiles = ModelReader & AsyncDisposable;

const below = `${modelsRoot}/`;
/** The annotation `dev.modelcars.layer.files`, with which modelcars names the files of a layer. */
const listSchema = z.array(z.object({ path: z.string(), size: z.int().nonnegative() }));

interface Located {
  files: LayerFiles;
  size: number;
}

/**
 * The files below /models of an image in a layout or a registry, without unpacking it: of layers that are not
 * compressed only the bytes that are asked for are read, and their tar's headers; others are decompressed up to them.
 * `root` is an index or a manifest; model layers are the same on all platforms. Fails with code `integrity` when a
 * layer is no tar. Dispose of it at the end.
 */
export async function openImageFiles(
  store: ImageStore,
  root: Descriptor,
  signal: AbortSignal,
): Promise<ImageFiles> {
  const layers = await layersOf(store, root);
  const listed = layers.map(({ annotations }) => listOf(annotations?.['dev.modelcars.layer.files']));
  // The base's layers name no files; of other builders' images every layer may have some.
  const own = listed.some((list) => list !== undefined)
    ? layers.flatMap((layer, at) => {
        const isModel =
          listed[at] !== undefined || layer.annotations?.['dev.modelcars.layer.key'] !== undefined;
        return isModel ? [{ layer, list: listed[at] }] : [];
      })
    : layers.map((layer) => ({ layer, list: undefined }));
  const places = new Map<string, Located>();
  const opened: LayerFiles[] = [];
  for (const { layer, list } of own) {
    const content = list?.reduce((sum, { size }) => sum + size, 0) ?? 0;
    const files = new LayerFiles(openTar(store, layer, content, signal));
    opened.push(files);
    const entries = list?.map(({ path, size }) => [path, size] as const) ?? (await everyFile(files));
    for (const [path, size] of entries) places.set(path, { files, size });
  }
  return {
    paths: [...places.keys()].sort(compareBytes),
    size: (path) => places.get(path)?.size,
    async read(path, offset, length) {
      const { files, size } = places.get(path) ?? { size: 0 };
      const place = await files?.find(path);
      // The list is a claim, the tar's header the fact.
      if (files === undefined || place === undefined || place.size !== size) {
        throw new ModelcarsError('integrity', `read ${path}: the image's layer lacks a file that it lists`, {
          next: 'run `modelcars verify`, and build the image again',
        });
      }
      const wanted = Math.max(0, Math.min(length, place.size - offset));
      return wanted === 0 ? Buffer.alloc(0) : await files.tar.read(place.at + offset, wanted);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map(({ tar }) => tar[Symbol.asyncDispose]()));
    },
  };
}

async function everyFile(files: LayerFiles): Promise<(readonly [string, number])[]> {
  return [...(await files.all())].map(([path, { size }]) => [path, size] as const);
}

async function layersOf(store: ImageStore, root: Descriptor): Promise<Descriptor[]> {
  const bytes = await store.read(root);
  if (root.mediaType !== mediaTypes.index && root.mediaType !== mediaTypes.dockerIndex)
    return parseManifest(bytes, root.digest).layers;
  const [first] = parseIndex(bytes, root.digest).manifests;
  if (first === undefined) return [];
  return parseManifest(await store.read(first), first.digest).layers;
}

function listOf(text: string | undefined): { path: string; size: number }[] | undefined {
  if (text === undefined) return undefined;
  try {
    return listSchema
      .safeParse(JSON.parse(text))
      .data?.flatMap(({ path, size }) =>
        path.startsWith(below) ? [{ path: path.slice(below.length), size }] : [],
      );
  } catch {
    return undefined;
  }
}
