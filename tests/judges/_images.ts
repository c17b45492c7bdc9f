/** The images that the judges check: two models with awkward files, as a layout and as one .tar. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCatalog, modelcars, noise, type TestModel } from '../parts/cli.ts';

export interface Images extends AsyncDisposable {
  /** The catalog's folder, for more builds. */
  folder: string;
  layout: string;
  archive: string;
  models: TestModel[];
  /** The images' names in layout and archive: `plain:v1.0.0`. */
  names: string[];
}

/** Long enough for a GNU long name, deep, empty, with a space, beyond ASCII, larger than one read. */
const awkward = {
  'model.joblib': noise(3_000_000, 1),
  'README.md': '# a model\n',
  'empty.txt': '',
  'with space/naïve ☂.json': '{"a": 1}\n',
  [`deep/${'directory/'.repeat(12)}weights.bin`]: noise(70_001, 2),
};

export const judged: TestModel[] = [
  { name: 'plain', framework: 'sklearn', files: awkward },
  { name: 'squeezed', framework: 'sklearn', files: awkward, more: { compression: 'gzip' } },
];

/** With zstd layers, which umoci 0.4 and Docker before 23 cannot read. */
export const judgedZstd: TestModel[] = [
  ...judged,
  { name: 'dense', framework: 'sklearn', files: awkward, more: { compression: 'zstd' } },
];

/** Builds them (for amd64 and arm64 by default) on the embedded base, into a folder and into a .tar. */
export async function buildImages(models: TestModel[] = judged, flags: string[] = []): Promise<Images> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-judged-'));
  try {
    await makeCatalog(folder, models);
    const layout = join(folder, 'layout');
    const archive = join(folder, 'images.tar');
    for (const output of [layout, archive]) {
      await modelcars(['build', '--base', 'embedded', ...flags, '--output', output], { cwd: folder });
    }
    return {
      folder,
      layout,
      archive,
      models,
      names: models.map(({ name }) => `${name}:v1.0.0`),
      [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string };
  annotations?: Record<string, string>;
}

/** A parsed document of the layout: `index.json`, or the one with the given digest. */
export async function document(
  layout: string,
  digest?: string,
): Promise<{ manifests: Descriptor[]; config: Descriptor; layers: Descriptor[] }> {
  const path = digest === undefined ? 'index.json' : join('blobs', digest.replace(':', '/'));
  return JSON.parse(await readFile(join(layout, path), 'utf8'));
}

/** The digest of a name in the layout. */
export async function digestOf(layout: string, name: string): Promise<string> {
  const { manifests } = await document(layout);
  const entry = manifests.find(
    ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === name,
  );
  if (!entry) throw new Error(`find ${name}: ${layout} has no such entry`);
  return entry.digest;
}

/** The manifest of one platform. */
export async function manifestOf(layout: string, name: string, architecture = 'amd64'): Promise<Descriptor> {
  const { manifests } = await document(layout, await digestOf(layout, name));
  const entry = manifests.find(({ platform }) => platform?.architecture === architecture);
  if (!entry) throw new Error(`find ${architecture} of ${name}: ${layout} has no such manifest`);
  return entry;
}

/** Path below /models → SHA-256 of the files made by the test, which a judge must find. */
export function expectedFiles({ files }: TestModel): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path,
      createHash('sha256').update(content).digest('hex'),
    ]),
  );
}
