/** Incomplete models, one for each kind of defect, and the expected messages. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { stringify } from 'yaml';
import { readLock } from '../../scripts/catalog/lockfile.ts';
import { noise, tryModelcars } from '../parts/cli.ts';
import { onnxWith, pointer, safetensors, safetensorsOf } from '../support/model-files.ts';

export type Files = Record<string, string | Uint8Array>;

export interface Defect {
  files: Files;
  /** After "resolve model NAME: ". */
  problem: RegExp;
  /** How the next step begins, by scheme where it depends on the source. */
  next: RegExp | Record<string, RegExp>;
}

export const page = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n';
export const weights = safetensors(noise(200_000, 1));
export const index = JSON.stringify({
  metadata: { total_size: 2 },
  weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
});
const again = {
  file: /copy or download the file again/,
  hf: /choose a revision where/,
  s3: /upload the file again/,
};
const rest = {
  file: /copy or download the files that are missing/,
  hf: /choose a revision that has all/,
  s3: /upload the files that are/,
};
const pull = {
  file: /run `git lfs pull`/,
  hf: /choose a revision that has the file itself/,
  s3: /run `git lfs pull`/,
};

/** By the name of the model. */
export const defects: Record<string, Defect> = {
  pointer: {
    files: { 'config.json': '{}', 'model.safetensors': pointer },
    problem: /model\.safetensors of \S+ is a Git LFS pointer, not the file/,
    next: pull,
  },
  'pointer-tokenizer': {
    files: { 'tokenizer.json': pointer, 'model.safetensors': weights },
    problem: /tokenizer\.json of \S+ is a Git LFS pointer/,
    next: pull,
  },
  'shard-unnamed': {
    files: { 'model.safetensors.index.json': index, 'model-00001-of-00002.safetensors': weights },
    problem:
      /model\.safetensors\.index\.json of \S+ names `model-00002-of-00002\.safetensors` as a shard, but the file is missing/,
    next: rest,
  },
  'shard-bin': {
    files: { 'pytorch_model.bin.index.json': index.replaceAll('safetensors', 'bin') },
    problem: /pytorch_model\.bin\.index\.json of \S+ names `model-00001-of-00002\.bin` as a shard/,
    next: rest,
  },
  'part-gap': {
    files: { 'q4-00001-of-00003.bin': 'weights', 'q4-00003-of-00003.bin': 'weights' },
    problem:
      /q4-00001-of-00003\.bin of \S+ is one of 3 parts, of which one is missing: q4-00002-of-00003\.bin/,
    next: rest,
  },
  'part-total': {
    files: { 'm-00001-of-00002.safetensors': weights, 'm-00003-of-00002.safetensors': weights },
    problem: /is one of 2 parts, but m-00003-of-00002\.safetensors exists/,
    next: again,
  },
  'onnx-lost': {
    files: { 'deep/model.onnx': onnxWith('model.onnx.data'), 'model.onnx.data': 'x' },
    problem: /deep\/model\.onnx of \S+ names `model\.onnx\.data` as external data, but the file is missing/,
    next: /it is at `model\.onnx\.data` in the image; put it at `deep\/model\.onnx\.data`/,
  },
  'onnx-absolute': {
    files: { 'model.onnx': onnxWith('/etc/passwd') },
    problem: /model\.onnx of \S+ names `\/etc\/passwd` as external data, which is outside its folder/,
    next: /export the model again/,
  },
  'onnx-parent': {
    files: { 'model.onnx': onnxWith('../other/w.data') },
    problem: /names `\.\.\/other\/w\.data` as external data, which is outside/,
    next: /export the model again/,
  },
  'onnx-short': {
    files: { 'model.onnx': onnxWith('w.data', { offset: '0', length: '100' }), 'w.data': 'short' },
    problem: /w\.data of \S+ is truncated: it has 5 bytes, `model\.onnx` needs 100 of it/,
    next: again,
  },
  page: {
    files: { 'model.bin': page.padEnd(5000) },
    problem: /model\.bin of \S+ is a web page, not the file/,
    next: again,
  },
  'page-json': {
    files: { 'model.bin': 'w', 'config.json': page },
    problem: /config\.json of \S+ is a web page/,
    next: again,
  },
  cut: {
    files: { 'model.safetensors': weights.subarray(0, -1) },
    problem: /model\.safetensors of \S+ is truncated: its tensors need 200000 bytes, its data has 199999/,
    next: again,
  },
  'cut-header': {
    files: { 'model.safetensors': safetensorsOf({}, 0, 5000) },
    problem: /is truncated: its header has 5000 bytes, the whole file has 10/,
    next: again,
  },
  'not-safetensors': {
    files: { 'model.safetensors': noise(300_000, 2) },
    problem: /is not a safetensors file: its header would have \d+ bytes/,
    next: again,
  },
  hole: {
    files: {
      'model.safetensors': safetensorsOf({ a: { dtype: 'F32', shape: [2], data_offsets: [8, 16] } }, 16),
    },
    problem: /is damaged: bytes 0 to 7 of its data belong to no tensor/,
    next: again,
  },
  shape: {
    files: {
      'model.safetensors': safetensorsOf({ a: { dtype: 'F32', shape: [3], data_offsets: [0, 16] } }, 16),
    },
    problem: /is damaged: its tensor `a` has 16 bytes, its shape and type make 12/,
    next: again,
  },
  empty: {
    files: { 'config.json': '{}', 'model.pt': '' },
    problem: /model\.pt of \S+ is empty/,
    next: again,
  },
};

/** An odd but complete model. */
export const odd: Files = {
  'model.safetensors': safetensorsOf({ a: { dtype: 'F32', shape: [0, 7], data_offsets: [0, 0] } }),
  'none.safetensors': safetensorsOf({ __metadata__: { format: 'pt' } }),
  'pytorch_model.bin.index.json': index.replaceAll('safetensors', 'bin'),
  'code/__init__.py': '',
  '.gitkeep': '',
  'demo.html': page,
  'README.md': page,
  'notes.txt': `A pointer looks so:\n${pointer}`,
  'graph/model.onnx': onnxWith('w.bin', { length: '3' }),
  'graph/w.bin': 'abc',
  'encrypted.onnx': 'no protobuf at all',
};

/** Makes a folder for a test file. Returns its path, and a function that writes a catalog into a folder below it. */
export function useCatalogs(): {
  path(): string;
  write(name: string, models: Record<string, object>, files?: Files): Promise<string>;
} {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-incomplete-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return {
    path: () => folder,
    write: (name, models, files) => writeCatalog(join(folder, name), models, files),
  };
}

/** Writes models.yaml for these models, all with a framework that accepts every file. */
async function writeCatalog(
  path: string,
  models: Record<string, object>,
  files: Files = {},
): Promise<string> {
  const framework = `export default { name: 'any', modelFormat: { name: 'any' }, runtime: 'any', protocolVersion: 'v2',
    include: ['**'], exclude: [], requires: [],
    smoke: { path: '/', body: {}, expect: { output: 'y', classes: [1], read: 'labels' } } };\n`;
  const entries = Object.entries(models).map(([name, more]) => ({ name, framework: 'any', ...more }));
  const all = {
    ...files,
    'frameworks/any/framework.ts': framework,
    'models.yaml': stringify({ defaults: { base: 'embedded', version: 'v1.0.0' }, models: entries }),
  };
  for (const [name, content] of Object.entries(all)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return path;
}

/** Files of several models, each below a folder with the model's name. */
export function below(models: Record<string, Files>, prefix = ''): Files {
  return Object.fromEntries(
    Object.entries(models).flatMap(([name, files]) =>
      Object.entries(files).map(([path, content]) => [`${prefix}${name}/${path}`, content]),
    ),
  );
}

export const broken = Object.fromEntries(Object.entries(defects).map(([name, { files }]) => [name, files]));

/** Locks all defects at once and compares each message with the expected one. */
export async function refuseAll(
  path: string,
  scheme: string,
  env: Record<string, string | undefined> = {},
): Promise<void> {
  const { code, stderr } = await tryModelcars(['lock'], { cwd: path, env });
  expect(code).toBe(1);
  for (const [name, { problem, next }] of Object.entries(defects)) {
    const [, message = '', step = ''] =
      new RegExp(`resolve model ${name}: (.*)\\n\\s*next: (.*)`).exec(stderr) ?? [];
    expect(message, name).toMatch(problem);
    expect(step, name).toMatch(next instanceof RegExp ? next : (next[scheme] ?? /^$/));
  }
  expect(stderr).not.toMatch(/resolve model odd/);
  const lock = await readLock(join(path, 'models.lock.yaml'));
  expect(Object.keys(lock?.models ?? {}).filter((name) => Object.hasOwn(defects, name))).toEqual([]);
}
