import * as z from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { type Manifest, parseIndex, parseManifest } from '../../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../../image/types.ts';
import { list, plain } from '../../text/format.ts';

/** What a layer is: one file, or a tar of files, whose names get `prefix` in front. */
export type ContentLayer =
  | { kind: 'file'; path: string; descriptor: Descriptor }
  | { kind: 'tar'; compression?: 'gzip' | 'zstd'; prefix: string; descriptor: Descriptor };

/** The layers of an image or artifact, lowest first. */
export interface Content {
  /** An image has its model below /models; an artifact is the model. */
  isImage: boolean;
  layers: ContentLayer[];
}

/** Layers of images: image-spec media-types.md, and Docker's. */
const imageLayers: Record<string, 'plain' | 'gzip' | 'zstd'> = {
  [mediaTypes.layer]: 'plain',
  [mediaTypes.layerGzip]: 'gzip',
  [mediaTypes.layerZstd]: 'zstd',
  [mediaTypes.dockerLayerGzip]: 'gzip',
  'application/vnd.docker.image.rootfs.diff.tar': 'plain',
  'application/vnd.docker.image.rootfs.diff.tar.zstd': 'zstd',
};
const imageConfigs: string[] = [mediaTypes.config, mediaTypes.dockerConfig];
const kitConfig = 'application/vnd.kitops.modelkit.config.v1+json';
/** ModelPack (CNCF model-spec, spec.md; `cnai` before it joined the CNCF), and KitOps (pkg/lib/constants/mediaType.go). */
const modelLayer =
  /^application\/vnd\.(?:cncf|cnai)\.model\.([\w.]+?)\.v1\.(raw|tar(?:\+gzip|\+zstd)?)$|^application\/vnd\.kitops\.modelkit\.(\w+)\.v1\.(tar(?:\+gzip)?)$/;
/** The file's path: ModelPack's annotations.md, the same before it joined the CNCF, and oras. */
const pathAnnotations = [
  'org.cncf.model.filepath',
  'org.cnai.model.filepath',
  'org.opencontainers.image.title',
];
/** oras marks folders, which it sends as tars (oras-go, content/file: AnnotationUnpack). */
const unpackAnnotation = 'io.deis.oras.content.unpack';
const emptyType = 'application/vnd.oci.empty.v1+json';

/** The parts of a Kitfile that say where old layers belong (KitOps, pkg/artifact/kitfile.go). */
const kitPart = z.looseObject({ path: z.string().max(4096).optional(), digest: z.string().optional() });
const kitParts = z.array(kitPart).max(1000).nullish();
const kitfile = z.looseObject({
  model: kitPart.extend({ parts: kitParts }).nullish(),
  code: kitParts,
  docs: kitParts,
});

/**
 * The layers with model files of an image or artifact, without data sets. `root` is its manifest, or an index, of which
 * linux/amd64 is taken, otherwise the first image: those of a modelcar have the same model. `where` is "oci://…". Fails
 * with code `source` for content that is neither.
 */
export async function readContent(store: ImageStore, root: Descriptor, where: string): Promise<Content> {
  const manifest = await readManifest(store, root, where);
  const isImage = imageConfigs.includes(manifest.config.mediaType);
  if (isImage) return { isImage, layers: manifest.layers.map((layer) => imageLayer(layer, where)) };
  const prefixes = manifest.config.mediaType === kitConfig ? await kitPrefixes(store, manifest, where) : [];
  const layers = manifest.layers.flatMap((layer, at) => artifactLayer(layer, prefixes[at] ?? '', where));
  if (layers.length > 0) return { isImage, layers };
  const type = plain(manifest.artifactType ?? manifest.config.mediaType, 100);
  throw foreign(where, `it is an artifact of type ${type}, whose layers do not say which files they are`);
}

async function readManifest(store: ImageStore, root: Descriptor, where: string): Promise<Manifest> {
  const isIndex = root.mediaType === mediaTypes.index || root.mediaType === mediaTypes.dockerIndex;
  if (!isIndex) return parseManifest(await store.read(root), where);
  // Attestations are entries of an unknown platform.
  const images = parseIndex(await store.read(root), where).manifests.filter(
    ({ platform, mediaType }) =>
      platform?.os !== 'unknown' &&
      (mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest),
  );
  const usual = images.find(({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64');
  const chosen = usual ?? images[0];
  if (chosen === undefined) throw foreign(where, 'its index lists no image');
  return parseManifest(await store.read(chosen), where);
}

function imageLayer(descriptor: Descriptor, where: string): ContentLayer {
  const { mediaType } = descriptor;
  const type = Object.hasOwn(imageLayers, mediaType) ? imageLayers[mediaType] : undefined;
  if (type === undefined)
    throw foreign(where, `it is an image with a layer of type ${plain(mediaType, 100)}, which is no tar`);
  return { kind: 'tar', ...(type !== 'plain' && { compression: type }), prefix: '', descriptor };
}

/** A layer of an artifact; none if it holds no model file. */
function artifactLayer(descriptor: Descriptor, prefix: string, where: string): ContentLayer[] {
  const { mediaType, annotations = {} } = descriptor;
  const [, part, packFormat, kitType, kitFormat] = modelLayer.exec(mediaType) ?? [];
  // A server needs no data sets, which can be larger than the model.
  if (part === 'dataset' || kitType === 'dataset' || mediaType === emptyType) return [];
  const path = pathAnnotations.map((name) => annotations[name]).find((value) => value);
  const format = packFormat ?? kitFormat;
  if (format?.startsWith('tar')) return [tarLayer(descriptor, format.slice('tar'.length + 1), prefix)];
  if (annotations[unpackAnnotation] === 'true')
    return [tarLayer(descriptor, /[+.](gzip|zstd)$/.exec(mediaType)?.[1] ?? '', '')];
  if (path !== undefined) return [{ kind: 'file', path, descriptor }];
  if (Object.hasOwn(imageLayers, mediaType)) return [imageLayer(descriptor, where)];
  if (format === 'raw')
    throw foreign(where, 'it is a ModelPack artifact with a raw layer without `org.cncf.model.filepath`');
  return [];
}

function tarLayer(descriptor: Descriptor, compression: string, prefix: string): ContentLayer {
  const known = compression === 'gzip' || compression === 'zstd' ? { compression } : {};
  return { kind: 'tar', ...known, prefix, descriptor } as ContentLayer;
}

/**
 * For each layer of a ModelKit the folder that its names are relative to. Only old ones need it: since KitOps records each
 * layer's digest in the Kitfile, names are relative to the whole (pkg/cmd/unpack/unpack.go).
 */
async function kitPrefixes(store: ImageStore, manifest: Manifest, where: string): Promise<string[]> {
  const { model, code, docs } = parseKitfile(await store.read(manifest.config), where);
  const from = model?.path;
  const hasModel = manifest.layers.some(({ mediaType }) => modelLayer.exec(mediaType)?.[3] === 'model');
  if (from !== undefined && !hasModel && /^[^/]+\.[^/]+\/.+[:@]/.test(from)) {
    throw new ModelcarsError(
      'source',
      `read ${where}: it is a ModelKit whose model is in another one, ${plain(from, 200)}`,
      { next: `use \`oci://${plain(from, 200)}\` as \`source\`` },
    );
  }
  const left: Record<string, (z.infer<typeof kitPart> | undefined)[]> = {
    model: [model ?? undefined],
    modelpart: [...(model?.parts ?? [])],
    code: [...(code ?? [])],
    docs: [...(docs ?? [])],
  };
  return manifest.layers.map(({ mediaType }) => {
    const type = modelLayer.exec(mediaType)?.[3] ?? '';
    const part = Object.hasOwn(left, type) ? left[type]?.shift() : undefined;
    if (part?.path === undefined || part.digest !== undefined) return '';
    return part.path.replace(/^\.\//, '').replace(/\/?[^/]+\/?$/, '');
  });
}

function parseKitfile(bytes: Uint8Array, where: string): z.infer<typeof kitfile> {
  try {
    return kitfile.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new ModelcarsError('source', `read ${where}: its Kitfile cannot be read`, {
      next: 'pack the ModelKit again with `kit pack`',
      cause,
    });
  }
}

/** The error for something in a registry that is no model. */
export function foreign(where: string, problem: string): ModelcarsError {
  const kinds = [
    'a modelcar (an image with files below /models)',
    'a ModelPack or KitOps artifact',
    'files of `oras push`',
  ];
  return new ModelcarsError('source', `read ${where}: ${problem}; expected ${list(kinds, 'or')}`, {
    next: 'correct `source` in models.yaml',
  });
}
