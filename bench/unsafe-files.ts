/**
 * What the check for unsafe files costs: `npm run bench:unsafe [-- GIB]`. Pushes one file of each format to a registry that
 * keeps nothing, with the check and without it, in turns. Compares CPU seconds of this process, which other programs on
 * the machine hardly change. Target: 5 % more.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { loadCatalog } from '../scripts/catalog/load.ts';
import { lockModels } from '../scripts/pipeline/lock.ts';
import { pushModels } from '../scripts/pipeline/push.ts';
import type { RunOptions } from '../scripts/pipeline/types.ts';
import { createProgress } from '../scripts/terminal/progress.ts';
import { file, int, joblibArray, named, str, tuple } from '../tests/support/pickles.ts';
import { startSink } from './sink.ts';

const runs = 5;
const target = 1.05;
const mebibyte = 1024 ** 2;
const block = randomBytes(mebibyte);
const nothing = Buffer.alloc(0);

/** Formats: the framework, the file's name, and how to write about as many MiB as asked for. */
const formats: [string, string, string, (handle: FileHandle, size: number) => Promise<void>][] = [
  ['safetensors', 'custom', 'model.safetensors', writeSafetensors],
  ['joblib, an array per MiB', 'sklearn', 'model.joblib', writeJoblib],
  ['PyTorch, a tensor per 64 MiB', 'custom', 'pytorch_model.bin', writeTorch],
];

async function writeSafetensors(handle: FileHandle, size: number): Promise<void> {
  const x = { dtype: 'U8', shape: [size * mebibyte], data_offsets: [0, size * mebibyte] };
  const header = Buffer.from(JSON.stringify({ x }));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(header.length);
  await handle.write(Buffer.concat([length, header]));
  for (let count = 0; count < size; count++) await handle.write(block);
}

async function writeJoblib(handle: FileHandle, size: number): Promise<void> {
  const [start, end] = [file(nothing).subarray(0, -1), Buffer.from('e.')];
  await handle.write(Buffer.concat([start, Buffer.from('](')]));
  for (let count = 0; count < size; count++) {
    await handle.write(joblibArray('f8', [mebibyte / 8], nothing));
    await handle.write(block);
  }
  await handle.write(end);
}

/**
 * As `torch.save` writes: stored, with sizes behind the data (see tests/support/zips.ts for the fields), and ZIP64 where
 * places need it (APPNOTE.TXT 4.3.14, 4.3.15, 4.5.3).
 */
async function writeTorch(handle: FileHandle, size: number): Promise<void> {
  const each = 64;
  const count = Math.ceil(size / each);
  const storage = (key: number) =>
    Buffer.concat([
      tuple(
        str('storage'),
        named('torch', 'ByteStorage'),
        str(String(key)),
        str('cpu'),
        int(each * mebibyte),
      ),
      Buffer.from('Q'),
    ]);
  const storages = Array.from({ length: count }, (_, key) => storage(key));
  const pickle = file(Buffer.concat([Buffer.from(']('), ...storages, Buffer.from('e')]));
  const members: [string, Buffer, number][] = [['archive/data.pkl', pickle, 1]];
  for (let key = 0; key < count; key++) members.push([`archive/data/${key}`, block, each]);
  const directory: Buffer[] = [];
  let at = 0;
  const write = async (bytes: Buffer) => {
    await handle.write(bytes);
    at += bytes.length;
  };
  for (const [name, bytes, times] of members) {
    const offset = at;
    let crc = 0;
    for (let round = 0; round < times; round++) crc = crc32(bytes, crc);
    const sizes = fields([crc, 4], [bytes.length * times, 4], [bytes.length * times, 4]);
    const start = fields([20, 2], [8, 2], [0, 2], [0, 2], [33, 2]);
    await write(
      Buffer.concat([
        fields([0x0403_4b50, 4]),
        start,
        Buffer.alloc(12),
        fields([name.length, 2], [0, 2]),
        Buffer.from(name),
      ]),
    );
    for (let round = 0; round < times; round++) await write(bytes);
    await write(Buffer.concat([fields([0x0807_4b50, 4]), sizes]));
    const isFar = offset >= far;
    directory.push(
      fields([0x0201_4b50, 4], [20, 2]),
      start,
      sizes,
      fields([name.length, 2], [isFar ? 12 : 0, 2]),
      Buffer.alloc(10),
      fields([isFar ? far : offset, 4]),
      Buffer.from(name),
      ...(isFar ? [fields([1, 2], [8, 2]), eightBytes(offset)] : []),
    );
  }
  const listing = Buffer.concat(directory);
  const place = Math.min(at, far);
  const counted = fields([members.length, 2], [members.length, 2], [listing.length, 4], [place, 4], [0, 2]);
  const zip64 = at >= far ? zip64End(members.length, listing.length, at) : Buffer.alloc(0);
  await write(Buffer.concat([listing, zip64, fields([0x0605_4b50, 4], [0, 4]), counted]));
}

/** The largest place in 4 bytes; it says that the place is in a ZIP64 field. */
const far = 0xffff_ffff;

function zip64End(count: number, length: number, at: number): Buffer {
  const end = [44, count, count, length, at].map(eightBytes);
  const [size = Buffer.alloc(0), ...rest] = end;
  const versions = fields([45, 2], [45, 2], [0, 4], [0, 4]);
  const locator = [fields([0x0706_4b50, 4], [0, 4]), eightBytes(at + length), fields([1, 4])];
  return Buffer.concat([fields([0x0606_4b50, 4]), size, versions, ...rest, ...locator]);
}

function eightBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function fields(...list: [value: number, width: number][]): Buffer {
  return Buffer.concat(
    list.map(([value, width]) => {
      const bytes = Buffer.alloc(width);
      bytes.writeUIntLE(value, 0, width);
      return bytes;
    }),
  );
}

/** CPU seconds of a push with a new store and registry, and the most memory so far in bytes. */
async function time(options: RunOptions, unsafeFiles: 'allow' | 'refuse', folder: string): Promise<number> {
  const sink = await startSink();
  const store = mkdtempSync(join(folder, 'store-'));
  try {
    const models = options.models.map((model) => ({ ...model, registry: `${sink.host}/me` }));
    const start = process.cpuUsage();
    const [outcome] = await pushModels({ ...options, models, store, unsafeFiles });
    const { user, system } = process.cpuUsage(start);
    if (outcome?.status !== 'done') throw outcome?.error ?? new Error('push: it did nothing');
    return (user + system) / 1e6;
  } finally {
    sink.stop();
    rmSync(store, { recursive: true });
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const size = Number(process.argv[2] ?? 4.25) * 1024;
  console.log(
    `Medians of ${runs} runs with ${size} MiB.\n\n| file | without | with | ratio | met | memory |\n|---|---:|---:|---:|---|---:|`,
  );
  for (const [title, framework, name, write] of formats) {
    const folder = mkdtempSync(join(tmpdir(), 'modelcars-bench-unsafe-'));
    try {
      const handle = await open(join(folder, name), 'w');
      await write(handle, size);
      await handle.close();
      const catalogFile = join(folder, 'models.yaml');
      const entry = `{name: one, framework: ${framework}, source: "file:${name}", include: ["**"]}`;
      writeFileSync(
        catalogFile,
        `version: v1.0.0\ndefaults: {base: embedded, platforms: [linux/amd64]}\nmodels:\n  - ${entry}\n`,
      );
      const catalog = await loadCatalog(catalogFile);
      const options: RunOptions = {
        catalog,
        models: catalog.models,
        frozen: false,
        dryRun: false,
        registry: {},
        signal: new AbortController().signal,
        progress: await createProgress({ stream: process.stderr, enabled: false, interactive: false }),
        store: join(folder, 'store'),
      };
      const [locked] = (await lockModels(options)).outcomes;
      if (locked?.error) throw locked.error;
      // Without its layers, a push with a new store reads the file.
      const lock = catalog.lockFile;
      const { readFileSync } = await import('node:fs');
      writeFileSync(lock, readFileSync(lock, 'utf8').replace(/ {4}layers:\n( {6}.*\n)+/, ''));
      const [without, withCheck]: [number[], number[]] = [[], []];
      await time(options, 'allow', folder);
      for (let run = 0; run < runs; run++) {
        without.push(await time(options, 'allow', folder));
        withCheck.push(await time(options, 'refuse', folder));
      }
      const ratio = median(withCheck) / median(without);
      const memory = process.resourceUsage().maxRSS / 1024;
      console.log(
        `| ${title} | ${median(without).toFixed(2)} s | ${median(withCheck).toFixed(2)} s | ${ratio.toFixed(3)} | ${ratio <= target ? 'yes' : '**no**'} | ${memory.toFixed(0)} MiB |`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

await main();
