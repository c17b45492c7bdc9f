/** Catalogs that are large in one way: many models, many files, many bytes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLock } from '../scripts/catalog/lockfile.ts';
import { formatLock } from '../scripts/catalog/write-lock.ts';
import { packageFile } from '../scripts/package.ts';

const head = (registry: string) =>
  `registry: ${registry}\nversion: v1.0.0\ndefaults: {base: embedded, platforms: [linux/amd64]}\nmodels:\n`;
const entry = (name: string) =>
  `  - {name: ${name}, framework: custom, source: "file:models/${name}", include: ["**"]}\n`;

/** Models of three small files each, none of which two models share. `registry` is a host and a path. */
export async function writeSmallModels(folder: string, count: number, registry: string): Promise<void> {
  const names = Array.from({ length: count }, (_, at) => `m${at}`);
  for (const name of names) {
    const path = join(folder, 'models', name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'model.safetensors'), smallWeights(name));
    await writeFile(join(path, 'config.json'), `${JSON.stringify({ model_type: name })}\n`);
    await writeFile(join(path, 'README.md'), `# ${name}\n`);
  }
  await writeFile(join(folder, 'models.yaml'), head(registry) + names.map(entry).join(''));
}

/** A safetensors file (huggingface/safetensors, README, Format) of one tensor with the name of its model. */
function smallWeights(name: string): Buffer {
  const size = 4096;
  const header = Buffer.from(
    JSON.stringify({ [name]: { dtype: 'U8', shape: [size], data_offsets: [0, size] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(size, name)]);
}

/** One model of 2,000 small files. */
export async function writeManyFiles(folder: string, registry: string): Promise<void> {
  const path = join(folder, 'models', 'many');
  await mkdir(path, { recursive: true });
  for (let at = 0; at < 2000; at++) await writeFile(join(path, `part-${at}.json`), `{"part": ${at}}\n`);
  await writeFile(join(folder, 'models.yaml'), head(registry) + entry('many'));
}

/** One model of a hub with 200 files of 5 GB, with its lock: nothing can read it, so it is only planned. */
export async function writeTerabyte(folder: string, registry: string): Promise<void> {
  const source = 'hf://org/terabyte';
  const text = `  - {name: terabyte, framework: custom, source: "${source}", include: ["**"], maxLayerSize: 20GB}\n`;
  await writeFile(join(folder, 'models.yaml'), head(registry) + text);
  const number = (at: number) => String(at + 1).padStart(5, '0');
  const files = Array.from({ length: 200 }, (_, at) => ({
    path: `model-${number(at)}-of-00200.bin`,
    size: 5_000_000_000,
    sha256: number(at).padStart(64, '0'),
  }));
  const { embedded = {} } = (await readLock(packageFile('models.lock.yaml')))?.bases ?? {};
  const locked = {
    framework: 'custom',
    source,
    revision: '0'.repeat(40),
    include: ['**'],
    exclude: [],
    files,
  };
  const lock = { lockVersion: 1 as const, bases: { embedded }, models: { terabyte: locked } };
  await writeFile(join(folder, 'models.lock.yaml'), formatLock(lock));
}
