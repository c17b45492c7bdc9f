/** `smoke:` of models.yaml through the CLI, with a server of the test that computes its answer from the request. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { missingParts, missingRoot } from '../parts/parts.ts';
import { startRegistry } from '../parts/registry.ts';
import { tagDigest } from '../parts/tags.ts';

/** A regression: the sum of each row, from one tensor or from named columns. Its chat says what it was asked. */
const server = `
import { createServer } from 'node:http';
const { MODEL_NAME, PORT } = process.env;
const sums = (inputs) => {
  const rows = inputs[0].shape[0];
  return Array.from({ length: rows }, (_, row) => inputs.reduce((sum, { shape, data }) => {
    const width = data.length / rows;
    return sum + data.slice(row * width, (row + 1) * width).map(Number).reduce((a, b) => a + b, 0);
  }, 0));
};
const answers = {
  ['/v2/models/' + MODEL_NAME + '/infer']: ({ inputs }) => {
    const data = sums(inputs);
    return { outputs: [{ name: 'sum', shape: [data.length, 1], datatype: 'FP64', data }] };
  },
  ['/v1/models/' + MODEL_NAME + ':predict']: ({ instances }) => ({ predictions: instances.map(({ a }) => ({ twice: 2 * a })) }),
  '/v1/chat/completions': ({ messages }) => ({ choices: [{ message: { content: 'You said ' + messages[0].content }, finish_reason: 'stop' }] }),
};
createServer((request, response) => {
  if (request.method === 'GET') return response.end('{}');
  const answer = answers[request.url];
  if (answer === undefined) return response.writeHead(404).end('{}');
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    response.end(JSON.stringify(answer(JSON.parse(Buffer.concat(chunks)))));
  });
}).listen(Number(PORT), '127.0.0.1');
`;

const noRegistry = await missingParts('docker-registry');
const missing = missingRoot('modelcars smoke --local, as the users of a cluster,');

describe.skipIf(missing)('smoke: in models.yaml', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-own-smoke-'));
    await writeFile(join(folder, 'model.joblib'), noise(2000, 1));
    await writeFile(join(folder, 'rows.csv'), 'a,b\n1,2\n3,4\n');
    await write({ sums: {} });
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['build'], { cwd: folder });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A catalog of models of the same file; `fields` of each. */
  const write = async (models: Record<string, object>): Promise<void> => {
    const entry = { framework: 'sklearn', version: 'v1.0.0', base: 'embedded', source: 'file:model.joblib' };
    const entries = Object.entries(models).map(([name, fields]) => ({ name, ...entry, ...fields }));
    await writeFile(join(folder, 'models.yaml'), stringify({ models: entries }));
  };
  const command = `exec '${process.execPath}' --input-type=module --eval '${server.replaceAll("'", `'\\''`)}'`;
  const local = ['--local', '--security', 'modelcar', '--server-command', command];
  const smoke = async (own: unknown) => {
    await write({ sums: own === undefined ? {} : { smoke: own } });
    const { code, stdout, stderr } = await tryModelcars(['smoke', '--json', ...local], { cwd: folder });
    expect(stdout, stderr).toMatch(/^\{/);
    const [result] = (JSON.parse(stdout) as { results: SmokeResult[] }).results;
    return { code, stderr, result };
  };

  test.each<[string, object]>([
    [
      'rows and values',
      {
        rows: [
          [1, 2],
          [3, 4],
        ],
        expect: { outputs: [{ name: 'sum', data: [3, 7] }] },
      },
    ],
    [
      'rows alone',
      {
        rows: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    ['a file of columns', { inputs: 'rows.csv', expect: { classes: [3, 7] } }],
    ['instances', { instances: [{ a: 2 }], expect: { predictions: [{ twice: 4 }] } }],
    ['messages', { messages: [{ role: 'user', content: 'Hello' }], expect: { matches: '^You said Hello$' } }],
  ])('a model passes with %s', async (_, own) => {
    const { code, stderr, result } = await smoke(own);
    expect(stderr).toContain('sums: the smoke test sends the request of `smoke:` in models.yaml');
    const request = 'the request of `smoke:` in models.yaml';
    expect(result).toMatchObject({ status: 'passed', request });
    expect(code).toBe(0);
  });

  test.each<[string, object, string]>([
    [
      'another value',
      {
        rows: [
          [1, 2],
          [3, 4],
        ],
        expect: { outputs: [{ data: [3, 8] }] },
      },
      'value 1 of output "sum" is 7, not 8',
    ],
    ['another class', { rows: [[1, 2]], expect: { classes: [4] } }, 'row 0 is of class 4, not 3'],
    [
      'another text',
      { messages: [{ role: 'user', content: 'a' }], expect: { matches: 'b$' } },
      'does not match "b$"',
    ],
    [
      'another prediction',
      { instances: [{ a: 2 }], expect: { predictions: [{ twice: 5 }] } },
      '"twice" of value 0',
    ],
  ])('a model fails with %s', async (_, own, what) => {
    const { code, result } = await smoke(own);
    expect(code).toBe(1);
    expect(result).toMatchObject({
      status: 'failed',
      diagnosis: { stage: 'answer', what: expect.stringContaining(what) },
    });
  });

  test('a model whose file says nothing gets the request of the sample, which it does not pass', async () => {
    const { code, stderr, result } = await smoke(undefined);
    expect(code).toBe(1);
    expect(stderr).toContain(
      "the request of the sample of framework sklearn, since the model's files do not say what they take",
    );
    expect(result?.diagnosis?.what).toContain('there is no output "predict"');
  });

  test('without any request nothing is served, and the step is to write one', async () => {
    await write({ sums: { framework: 'custom', serving: { runtime: 'mine', modelFormat: 'mine' } } });
    await modelcars(['build'], { cwd: folder, env: { CI: undefined } });
    const { code, stdout } = await tryModelcars(['smoke', '--json', ...local], { cwd: folder });
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as { results: SmokeResult[] }).results[0]?.diagnosis).toMatchObject({
      what: 'there is no request to send',
      fix: expect.stringContaining('`smoke: {rows: [[1, 2, 3]]}`'),
    });
    await write({ sums: {} });
    await modelcars(['build'], { cwd: folder });
  });

  test('a file that does not exist is named', async () => {
    await write({ sums: { smoke: { inputs: 'none.csv' } } });
    const { code, stderr } = await tryModelcars(['smoke', ...local], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/error: read none\.csv: no such file\nnext: correct `smoke:`/);
  });

  describe('--record', () => {
    const record = async (models: string) => {
      await writeFile(join(folder, 'models.yaml'), models);
      const ran = await tryModelcars(['smoke', '--record', '--json', ...local], { cwd: folder });
      const text = await readFile(join(folder, 'models.yaml'), 'utf8');
      expect(ran.stdout, ran.stderr).toMatch(/^\{/);
      return { ...ran, text, document: JSON.parse(ran.stdout) };
    };
    const entry =
      '# ours\nmodels:\n  - name: sums # adds\n    framework: sklearn\n    version: v1.0.0\n    base: embedded\n    source: file:model.joblib\n';

    test('writes the answer into models.yaml, and the next run holds the model to it', async () => {
      const own = '    smoke: # asks\n      rows: [[1, 2], [3, 4]]\n';
      const wrong = `${own}      expect: {outputs: [{name: sum, data: [0, 0], tolerance: 0.5}]}\n`;
      const expected =
        '      expect: {outputs: [{name: sum, datatype: FP64, shape: [2, 1], data: [3, 7], tolerance: 0.5}]}\n';
      const { code, text, document } = await record(entry + wrong);
      expect(code).toBe(0);
      expect(text).toBe(entry + own + expected);
      expect(document.recorded).toMatchObject([{ model: 'sums', expect: { outputs: [{ data: [3, 7] }] } }]);
      const held = await tryModelcars(['smoke', ...local], { cwd: folder });
      expect(held.code, held.stderr).toBe(0);
    });

    test('writes the own request of a model that has only that of the defaults', async () => {
      const defaults = 'defaults: {smoke: {instances: [{a: 2}]}}\n';
      const { text } = await record(defaults + entry);
      const own = '    smoke: {instances: [{a: 2}], expect: {predictions: [{twice: 4}]}}\n';
      expect(text).toBe(defaults + entry + own);
    });

    test('writes nothing of an answer that is none, and nothing at all when a model fails', async () => {
      const other = entry.slice(entry.indexOf('  - name')).replace('sums', 'also');
      const models = `${entry}    smoke: {rows: [[1, 2]]}\n${other}    smoke: {inputs: [{name: x, data: [[a]]}]}\n`;
      await write({ sums: {}, also: {} });
      await modelcars(['lock'], { cwd: folder });
      await modelcars(['build', 'also'], { cwd: folder });
      const { code, text, stderr, document } = await record(models);
      expect(code).toBe(1);
      expect(text).toBe(models);
      expect(document.recorded).toEqual([]);
      expect(stderr).toContain('warning: nothing is recorded, because also failed');
    });
  });

  test.skipIf(noRegistry)('`smoke: false` is a skip, and lets push --smoke push', async () => {
    const skipped = await smoke(false);
    expect(skipped).toMatchObject({
      code: 0,
      result: { status: 'skipped', reason: '`smoke: false` in models.yaml' },
    });
    await using registry = await startRegistry({ kind: 'docker-registry' });
    const args = ['push', '--smoke', '--registry', `${registry.host}/me`, ...local];
    const { code, stderr } = await tryModelcars(args, { cwd: folder });
    expect(stderr).toContain('warning: sums: no smoke test (`smoke: false` in models.yaml), only verified');
    expect(code).toBe(0);
    expect(await tagDigest(registry.host, 'me/sums', 'v1.0.0')).toMatch(/^sha256:/);
  });
});
