/** `modelcars smoke --local` with a server of the test: the pod is real, the predictions are not. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { sampleFile } from '../kserve/_broken.ts';
import { makeCatalog, modelcars, tryModelcars } from '../parts/cli.ts';
import { missingRoot } from '../parts/parts.ts';

/**
 * Answers by protocol v2 with the classes in $ANSWER. It ends unless $MODEL_DIR holds the model's file alone, with its
 * bytes, and its user is not root and cannot write there.
 */
const server = `
import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const { MODEL_DIR, MODEL_NAME, PORT, ANSWER, SHA256 } = process.env;
const hash = createHash('sha256').update(readFileSync(MODEL_DIR + '/model.joblib')).digest('hex');
if (readdirSync(MODEL_DIR).join() !== 'model.joblib' || hash !== SHA256) throw new Error('another model');
if (process.getuid() === 0) throw new Error('root');
try { appendFileSync(MODEL_DIR + '/model.joblib', ''); process.exit(7); } catch {}
if (ANSWER === undefined) throw new Error('no GPU was found');
createServer((request, response) => {
  if (request.url === '/v2/models/' + MODEL_NAME + '/ready') return response.end('{}');
  if (request.url !== '/v2/models/' + MODEL_NAME + '/infer') return response.writeHead(404).end();
  const data = JSON.parse(ANSWER);
  response.end(JSON.stringify({ model_name: MODEL_NAME, outputs: [
    { name: 'predict', shape: [data.length], datatype: 'INT64', data },
  ] }));
}).listen(Number(PORT), '127.0.0.1');
`;

/** Those of the smoke request's rows, by Fisher's data set (frameworks/iris.ts). */
const classes = [2, 0, 1, 1, 2, 0];
const wrong = [2, 0, 1, 1, 2, 1];

const missing = missingRoot('modelcars smoke --local, as the users of a cluster,');

describe.skipIf(missing)('modelcars smoke --local', () => {
  let folder: string;
  let temporary: string;
  let sha256: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-smoke-local-'));
    temporary = await mkdtemp(join(tmpdir(), 'modelcars-smoke-local-tmp-'));
    const model = await readFile(sampleFile);
    sha256 = createHash('sha256').update(model).digest('hex');
    await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files: { 'model.joblib': model } }]);
    await modelcars(['build', '--base', 'embedded'], { cwd: folder });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await rm(temporary, { recursive: true, force: true });
  });

  const command = (answer?: number[]): string => {
    const answers = answer === undefined ? '' : ` ANSWER='${JSON.stringify(answer)}'`;
    const script = server.replaceAll("'", `'\\''`);
    return `SHA256=${sha256}${answers} exec '${process.execPath}' --input-type=module --eval '${script}'`;
  };
  const smoke = async (answer: number[] | undefined, ...args: string[]) => {
    const words = ['smoke', '--local', '--json', '--server-command', command(answer), ...args];
    const { code, stdout, stderr } = await tryModelcars(words, { cwd: folder, env: { TMPDIR: temporary } });
    expect(stdout, stderr).toMatch(/^\{/);
    expect(await readdir(temporary)).toEqual([]);
    return { code, stderr, results: (JSON.parse(stdout) as { results: SmokeResult[] }).results };
  };

  test('the model passes with the correct prediction, as every user that a pod may have', async () => {
    const { code, results } = await smoke(classes, '--security', 'openshift,modelcar,runtime');
    expect(code).toBe(0);
    expect(results.map(({ mode, security, status }) => `${mode} ${security}: ${status}`).sort()).toEqual([
      'local modelcar: passed',
      'local openshift: passed',
      'local runtime: passed',
    ]);
  });

  test('a wrong prediction fails, with the expected classes and those of the answer', async () => {
    const { code, results } = await smoke(wrong);
    expect(code).toBe(1);
    expect(results).toMatchObject([
      {
        status: 'failed',
        diagnosis: { stage: 'answer', expected: classes, got: wrong, fix: expect.any(String) },
      },
    ]);
  });

  test('a server that ends is reported with its exit code and its last words', async () => {
    const { code, results } = await smoke(undefined, '--security', 'modelcar');
    expect(code).toBe(1);
    const { diagnosis } = results[0] ?? {};
    expect(diagnosis).toMatchObject({ stage: 'load', what: expect.stringContaining('exit code 1') });
    expect(JSON.stringify(diagnosis)).toContain('no GPU was found');
  });

  test('--server-image and --server-command exclude each other', async () => {
    const args = ['smoke', '--local', '--server-command', 'true', '--server-image', 'server:1'];
    const { code, stderr } = await tryModelcars(args, { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('--server-image and --server-command exclude each other');
  });
});
