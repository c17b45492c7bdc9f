import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import gguf from '../../frameworks/gguf/framework.ts';
import { servingRuntime } from '../../scripts/kserve/manifests/serving-runtimes/index.ts';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, root, tryModelcars } from '../parts/cli.ts';
import { type LlamaCpp, llamaCpp } from '../parts/llamacpp.ts';
import { missing } from '../parts/python.ts';
import { run, tryRun } from '../parts/run.ts';

const lacking = await missing(llamaCpp);
const own = join(root, 'frameworks/gguf');

describe.skipIf(lacking)("GGUF by llama.cpp's server", () => {
  let folder: string;
  let part: LlamaCpp;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-gguf-'));
    part = await llamaCpp();
    await cp(join(own, 'model.gguf'), join(folder, 'whole/words-F16.gguf'));
    await cp(join(own, 'model.gguf'), join(folder, 'whole/words-Q8_0.gguf'));
    // Parts as llama.cpp's own writer makes them.
    const writer = 'gguf.GGUFWriter(Path(__file__).with_name("model.gguf"), "llama")';
    const text = await readFile(join(own, 'train.py'), 'utf8');
    expect(text).toContain(writer);
    const split = `gguf.GGUFWriter(Path(__file__).with_name("words.gguf"), "llama", split_max_tensors=5)`;
    await cp(join(own, 'train.py'), join(folder, 'parts/Q8_0/train.py'));
    await writeFile(join(folder, 'parts/Q8_0/train.py'), text.replace(writer, split));
    await run(part.python, [join(folder, 'parts/Q8_0/train.py')]);
    await rm(join(folder, 'parts/Q8_0/train.py'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** The command of the ServingRuntime that `manifest --with-runtime` prints, on this machine. */
  function command(): string {
    const [container] = servingRuntime(gguf.runtime).spec.containers;
    const [shell, flag, script = ''] = container?.command ?? [];
    expect([shell, flag]).toEqual(['/bin/sh', '-c']);
    const values: Record<string, string> = {
      '{{.Name}}': '"$MODEL_NAME"',
      '8080': '"$PORT"',
      '0.0.0.0': '127.0.0.1',
    };
    const args = (container?.args ?? []).map((one) => values[one] ?? one);
    const here = script.replaceAll('/mnt/models', '$MODEL_DIR').replace('/app/llama-server', part.server);
    return `set -- ${args.join(' ')} --threads 1\n${here}`;
  }

  async function smoke(model: object): Promise<SmokeResult[]> {
    const models = [{ name: 'words', framework: 'gguf', version: 'v1.0.0', base: 'embedded', ...model }];
    await writeFile(join(folder, 'models.yaml'), stringify({ models }));
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['build', '--verify', '--platform', 'linux/amd64'], { cwd: folder });
    const words = ['smoke', '--local', '--server-command', command(), '--json'];
    const { stdout } = await tryModelcars(words, { cwd: folder });
    return (JSON.parse(stdout) as { results: SmokeResult[] }).results;
  }

  // On other machines, a CPU's log() may differ in the last bit.
  test.runIf(process.arch === 'x64')('train.py makes the shipped bytes', async () => {
    await cp(join(own, 'train.py'), join(folder, 'train/train.py'));
    await run(part.python, [join(folder, 'train/train.py')]);
    expect(await readFile(join(folder, 'train/model.gguf'))).toEqual(await readFile(join(own, 'model.gguf')));
  });

  test('one of two quantisations generates text, under the name of the model', async () => {
    const results = await smoke({ source: 'file:whole', include: ['words-F16.gguf'] });
    expect(results).toMatchObject([{ model: 'words', mode: 'local', status: 'passed' }]);
  });

  test('parts generate text: the server finds the others by the name of the first', async () => {
    const parts = await readdir(join(folder, 'parts/Q8_0'));
    expect(parts.sort()).toEqual([1, 2, 3].map((part) => `words-0000${part}-of-00003.gguf`));
    const results = await smoke({ source: 'file:parts' });
    expect(results).toMatchObject([{ status: 'passed' }]);
  });

  test('what lock refuses, the server refuses too: a truncated file, a part under another name', async () => {
    const cut = join(folder, 'cut/words.gguf');
    await cp(join(own, 'model.gguf'), cut);
    await truncate(cut, 40_000);
    const lone = join(folder, 'lone/words.gguf');
    await cp(join(folder, 'parts/Q8_0/words-00001-of-00003.gguf'), lone);
    for (const [file, problem] of [
      [cut, 'is truncated'],
      [lone, 'is part 1 of 3'],
    ] as const) {
      const models = [{ name: 'words', framework: 'gguf', source: `file:${file.split('/').at(-2)}` }];
      await writeFile(join(folder, 'models.yaml'), stringify({ models }));
      const lock = await tryModelcars(['lock'], { cwd: folder });
      expect(lock.code).toBe(1);
      expect(lock.stderr).toContain(problem);
      const served = await tryRun(part.server, ['--model', file, '--port', '1'], { timeout: 30_000 });
      expect(served.code).not.toBe(0);
      expect(served.stdout + served.stderr).toMatch(/failed to load|error loading model|invalid split/);
    }
  });
});
