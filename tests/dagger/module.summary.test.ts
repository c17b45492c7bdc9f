/** `summaries` and `model … summary`: what other modules learn of built images without parsing a table. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars } from '../support/run-program.ts';
import { call, callChain, source, well } from './_calls.ts';
import { missingSdk } from './_module.ts';
import type { Answer } from './session.ts';

const missing = await missingSdk();
const root = fileURLToPath(new URL('../..', import.meta.url));

describe.skipIf(missing)('summaries', () => {
  let layout: string;
  let built: { name: string; digest: string; platforms: string[]; layers: number; size: number }[];
  beforeAll(async () => {
    layout = await mkdtemp(join(tmpdir(), 'modelcars-summary-'));
    const models = ['mlserver-sklearn', 'mlserver-xgboost'];
    const options = ['--base', 'embedded', '--platform', 'linux/amd64,linux/arm64', '--json'];
    const { stdout, stderr, code } = await modelcars(['build', ...models, ...options, '--output', layout], {
      cwd: root,
    });
    expect(code, stderr).toBe(0);
    built = JSON.parse(stdout).models;
  });
  afterAll(() => rm(layout, { recursive: true, force: true }));

  /** An engine whose layouts have the files of a real one. */
  const engine: Answer = (asked) => {
    const path = asked.object.calls.at(-1)?.args.path;
    const isOfLayout = typeof path === 'string' && /^(?:index\.json|blobs\/)/.test(path);
    return asked.field === 'contents' && isOfLayout ? readFileSync(join(layout, path), 'utf8') : well(asked);
  };
  const expected = () =>
    built.map(({ name, digest, platforms, layers, size }) => ({ name, digest, platforms, layers, size }));

  test('say of each image what the program said when it built it', async () => {
    const { result, error } = await call('summaries', { source }, {}, engine);
    expect(error).toBe('');
    expect(expected()).toHaveLength(2);
    // The module joins a layout for each model, of which this engine shows the same files twice.
    expect(new Set(result.map((one: object) => JSON.stringify(one)))).toEqual(
      new Set(expected().map((one) => JSON.stringify(one))),
    );
  });

  test('of one model is that of the layout that its build makes', async () => {
    const chain = (model: string) =>
      callChain(
        [
          ['model', { name: model, source }],
          ['summary', { version: 'v2.0.0' }],
        ],
        {},
        engine,
      );
    const { result, error, asked } = await chain('iris');
    expect(error).toBe('');
    expect(expected()).toContainEqual({ ...result });
    const commands = asked
      .filter(({ field }) => field === 'sync')
      .map(({ object }) => JSON.stringify(object));
    expect(commands).toHaveLength(1);
    expect(commands[0]).toContain('"build","iris","--version","v2.0.0"');
  });
});
