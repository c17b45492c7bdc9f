import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { failure } from '../../tests/support/outcome.ts';
import { Masker } from '../text/mask.ts';
import { readToken } from './token.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-token-'));
  file = join(folder, 'token');
  await writeFile(file, 'sha256~of-the-file\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('is that of --token-file, of the variable, or of the file of Kubeflow Pipelines', async () => {
  const env = { MODELCARS_MODEL_REGISTRY_TOKEN: 'of-the-variable' };
  const pipelines = { KF_PIPELINES_SA_TOKEN_PATH: file };
  expect((await readToken(file, env))?.value).toBe('sha256~of-the-file');
  expect((await readToken(undefined, { ...pipelines, ...env }))?.value).toBe('of-the-variable');
  expect((await readToken(undefined, pipelines))?.value).toBe('sha256~of-the-file');
  expect(await readToken(undefined, { MODELCARS_MODEL_REGISTRY_TOKEN: '' })).toBe(undefined);
});

it('is masked in all output', async () => {
  await readToken(file, {});
  expect(new Masker().mask('x sha256~of-the-file x')).not.toContain('of-the-file');
});

it.each(['two\nlines-secret', 'Bearer very-secret', '"quoted-secret"'])(
  'is refused, unseen, when it is no bearer token: %j',
  async (text) => {
    const error = await failure(readToken(undefined, { MODELCARS_MODEL_REGISTRY_TOKEN: text }));
    expect(error.code).toBe('auth');
    expect(error.message).toContain('MODELCARS_MODEL_REGISTRY_TOKEN');
    expect(error.message).not.toContain('secret');
  },
);

it('of a missing file names file and option', async () => {
  const { message } = await failure(readToken(join(folder, 'nowhere'), {}));
  expect(message).toMatch(/nowhere \(--token-file\): no such file$/);
});
