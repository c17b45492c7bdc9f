/** Incomplete models in folders: `lock` names the file and packs nothing, `verify` finds the same in an image. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { modelcars, tryModelcars } from '../parts/cli.ts';
import { pointer } from '../support/model-files.ts';
import { below, broken, defects, index, odd, refuseAll, useCatalogs, weights } from './_incomplete.ts';

const { write } = useCatalogs();

test('a folder: every incomplete model is refused with its file name and not locked; an odd but complete one is locked', async () => {
  const models = Object.fromEntries(
    [...Object.keys(defects), 'odd'].map((name) => [name, { source: `file:m/${name}` }]),
  );
  const path = await write('folder', models, below({ ...broken, odd }, 'm/'));
  await refuseAll(path, 'file');
  const { stderr } = await tryModelcars(['lock', 'odd'], { cwd: path });
  expect(stderr).not.toContain('error');
  expect(await readFile(join(path, 'models.lock.yaml'), 'utf8')).toContain('encrypted.onnx');
});

test('without a lock, build refuses the same before it writes anything', async () => {
  const path = await write('unlocked', { cut: { source: 'file:m' } }, below({ m: defects.cut?.files ?? {} }));
  const { code, stderr } = await tryModelcars(['build', '--output', 'out'], { cwd: path });
  expect(code).toBe(1);
  expect(stderr).toMatch(/resolve model cut: model\.safetensors of file:m is truncated/);
  expect(JSON.parse(await readFile(join(path, 'out', 'index.json'), 'utf8'))).toMatchObject({
    manifests: [],
  });
});

test('a file that the source has and `exclude` drops is reported as excluded', async () => {
  const files = {
    'model.safetensors.index.json': index,
    'model-00001-of-00002.safetensors': weights,
    'model-00002-of-00002.safetensors': weights,
  };
  const path = await write(
    'chosen',
    { m: { source: 'file:m', exclude: ['*-00002-*'] } },
    below({ m: files }),
  );
  const { stderr } = await tryModelcars(['lock'], { cwd: path });
  expect(stderr).toMatch(
    /next: the source has `model-00002-of-00002\.safetensors`: add it to `include`, or remove it from `exclude`/,
  );
});

test('`files:` are checked under the name they get in the image', async () => {
  const files = { 'w.dat': weights.subarray(0, 1000), 'p.dat': pointer, 'm/model.bin': 'w' };
  const path = await write(
    'extra',
    {
      cut: { source: 'file:m', files: { 'model.safetensors': 'file:w.dat' } },
      pointer: { source: 'file:m', files: { LICENSE: 'file:p.dat' } },
    },
    files,
  );
  const { code, stderr } = await tryModelcars(['lock'], { cwd: path });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /resolve model cut: model\.safetensors of file:w\.dat is truncated: its tensors need 200000 bytes/,
  );
  expect(stderr).toMatch(/resolve model pointer: LICENSE of file:p\.dat is a Git LFS pointer/);
});

test('verify refuses an image of an incomplete model', async () => {
  const names = ['pointer', 'shard-unnamed', 'part-gap', 'onnx-parent', 'page', 'cut', 'empty'];
  const models = Object.fromEntries(names.map((name) => [name, { source: `file:m/${name}` }]));
  const whole = Object.fromEntries(names.map((name) => [name, { 'a.txt': 'x' }]));
  const path = await write('image', models, below(whole, 'm/'));
  await modelcars(['lock'], { cwd: path });
  // Locked while complete, then changed together with the lock: the hashes match, but the model is incomplete.
  const lock = parse(await readFile(join(path, 'models.lock.yaml'), 'utf8'));
  for (const name of names) {
    const files = Object.entries(defects[name]?.files ?? {}).map(([file, content]) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      return { path: file, size: content.length, sha256 };
    });
    lock.models[name].files = files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }
  await writeFile(join(path, 'models.lock.yaml'), stringify(lock));
  await write('image', models, below(broken, 'm/'));
  const platform = ['--platform', 'linux/amd64'];
  await modelcars(['build', ...platform], { cwd: path });
  const { code, stderr } = await tryModelcars(['verify', ...platform], { cwd: path });
  expect(code).toBe(1);
  for (const name of names) {
    const [, file = '', said = ''] =
      new RegExp(`error: .*verify ${name}:.*?: models/(.*?): (.*) \\(layer`).exec(stderr) ?? [];
    expect(`${file} of x ${said}`, name).toMatch(defects[name]?.problem ?? /^$/);
  }
});
