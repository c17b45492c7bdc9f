/** Base images in a fake registry, built so that a test can set every byte. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { parseConfig, parseIndex, parseManifest } from '../../scripts/image/schema.ts';
import { type Descriptor, type Digest, mediaTypes } from '../../scripts/image/types.ts';
import { openLayout } from '../../scripts/layout/open.ts';
import { type FakeRegistry, sha256 } from '../support/fake-registry.ts';
import { member, type Spec } from '../support/odd-tars.ts';

/** A layer in the registry, and its entry in the config. */
export interface Layer {
  blob: Uint8Array;
  mediaType?: string;
  /** Digest of the unpacked bytes; that of the blob when missing. */
  diffId?: string;
  /** Keys of the descriptor to add or override. */
  descriptor?: object;
}

/** The parts of a base; a test can falsify each of them. */
export interface BaseSpec {
  layers?: Layer[];
  config?: object;
  /** Changes the documents before they are written. */
  editConfig?(config: Record<string, unknown>): unknown;
  editManifest?(manifest: Record<string, unknown>): unknown;
  editIndex?(index: Record<string, unknown>): unknown;
}

/** An uncompressed layer of these members. */
export function layer(...members: Spec[]): Layer {
  return { blob: Buffer.concat([...members.map(member), Buffer.alloc(1024)]) };
}

export function gzipped({ blob, ...rest }: Layer): Layer {
  return { diffId: sha256(blob), ...rest, blob: gzipSync(blob), mediaType: mediaTypes.layerGzip };
}

/** The layers of the embedded base for amd64, with `sh` and the other tools that KServe runs. */
export async function embeddedLayers(): Promise<Layer[]> {
  await using layout = await openLayout(fileURLToPath(new URL('../../base/layout', import.meta.url)));
  const root = await layout.resolve('embedded');
  if (root === undefined) throw new Error('no embedded base');
  const { manifests } = parseIndex(await layout.read(root), 'embedded');
  const own = manifests.find(({ platform }) => platform?.architecture === 'amd64');
  if (own === undefined) throw new Error('no embedded base for amd64');
  const { config, layers } = parseManifest(await layout.read(own), 'embedded');
  const { rootfs } = parseConfig(await layout.read(config), 'embedded');
  const found: Layer[] = [];
  for (const [at, one] of layers.entries()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of layout.open(one)) chunks.push(chunk);
    const diffId = rootfs.diff_ids[at];
    found.push({
      blob: Buffer.concat(chunks),
      mediaType: one.mediaType,
      ...(diffId !== undefined && { diffId }),
    });
  }
  return found;
}

/** Pushes a base to a registry, for linux/amd64. Returns its reference. */
export function putBase(registry: FakeRegistry, name: string, spec: BaseSpec): string {
  const repository = `bases/${name}`;
  const layers = (spec.layers ?? [layer({ name: 'bin/sh', mode: 0o755 })]).map((one) => {
    const digest = sha256(one.blob);
    registry.blobs.set(`${repository} ${digest}`, Buffer.from(one.blob));
    const descriptor = { mediaType: one.mediaType ?? mediaTypes.layer, digest, size: one.blob.length };
    return { descriptor: { ...descriptor, ...one.descriptor }, diffId: one.diffId ?? digest };
  });
  const config = {
    os: 'linux',
    architecture: 'amd64',
    config: { Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    ...spec.config,
  };
  const configBytes = Buffer.from(text(spec.editConfig?.(config) ?? config));
  registry.blobs.set(`${repository} ${sha256(configBytes)}`, configBytes);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: sha256(configBytes), size: configBytes.length },
    layers: layers.map(({ descriptor }) => descriptor),
  };
  const own = putManifest(
    registry,
    repository,
    mediaTypes.manifest,
    spec.editManifest?.(manifest) ?? manifest,
  );
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...own, platform: { os: 'linux', architecture: 'amd64' } }],
  };
  putManifest(registry, repository, mediaTypes.index, spec.editIndex?.(index) ?? index, 'v1');
  return `${registry.host}/${repository}:v1`;
}

/** Writes a catalog with one model per base, each with the name of its base. */
export async function writeBaseCatalog(where: string, bases: Record<string, string>): Promise<void> {
  await mkdir(join(where, 'files'), { recursive: true });
  await writeFile(join(where, 'files', 'model.joblib'), 'a model');
  const models = Object.entries(bases).map(([name, base]) => ({
    name,
    framework: 'sklearn',
    source: 'file:files',
    base,
    version: 'v1.0.0',
    platforms: ['linux/amd64'],
  }));
  await writeFile(join(where, 'models.yaml'), stringify({ models }));
}

/** Stores a manifest or index under its digest, and under a tag. */
export function putManifest(
  registry: FakeRegistry,
  repository: string,
  type: string,
  value: unknown,
  tag?: string,
): Descriptor {
  const bytes = Buffer.from(text(value));
  const digest: Digest = sha256(bytes);
  for (const name of [digest, ...(tag === undefined ? [] : [tag])])
    registry.manifests.set(`${repository} ${name}`, { type, bytes });
  return { mediaType: type, digest, size: bytes.length };
}

/** Strings are written as they are: JSON that JSON.stringify would not produce. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
