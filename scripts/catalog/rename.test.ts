import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { LockedModel } from '../model/types.ts';
import { loadFrameworks } from './frameworks.ts';
import { loadCatalog } from './load.ts';
import { readLock } from './lockfile.ts';
import { resolveModel } from './resolve.ts';
import { targetPath } from './target-path.ts';
import { formatLock } from './write-lock.ts';

const sample = (name: string) => readFileSync(new URL(`../../frameworks/${name}`, import.meta.url));
const pickled = sample('sklearn/model.joblib');
const booster = sample('xgboost/model.bst');
const tree = sample('lightgbm/model.bst');

/** Resolves a model of these files; `lines` are those of models.yaml after its name. */
async function resolve(
  files: Record<string, string | Uint8Array>,
  ...lines: string[]
): Promise<{ locked: LockedModel; placed: Record<string, string>; again: LockedModel | undefined }> {
  await using folder = await Folder.make(files);
  const catalog = await loadCatalog(
    await folder.catalog(`models:\n  - ${['name: churn', ...lines].join('\n    ')}\n`),
  );
  const [model] = catalog.models;
  if (model === undefined || !isModel(model)) throw new Error('the fixture is broken');
  const framework = (await loadFrameworks(folder.path)).get(model.framework);
  if (framework === undefined) throw new Error('the fixture is broken');
  const { rename: _, ...locked } = await resolveModel(model, framework, { directory: folder.path });
  await folder.write({
    'models.lock.yaml': formatLock({ lockVersion: 1, bases: {}, models: { churn: locked } }),
  });
  return {
    locked,
    placed: Object.fromEntries(locked.files.map((file) => [file.path, targetPath(framework, file)])),
    again: (await readLock(`${folder.path}/models.lock.yaml`))?.models.churn,
  };
}

describe('a file under another name whose role is plain', () => {
  it.each([
    ['xgboost', 'churn.ubj', booster, 'model.bst'],
    ['lightgbm', 'mylgb.txt', tree, 'model.bst'],
    ['sklearn', 'sklearn_model.joblib', pickled, 'model.joblib'],
    ['sklearn', 'clf.PKL', pickled, 'model.pkl'],
  ])('%s: %s gets the name that the server looks for', async (framework, name, content, to) => {
    const one = await resolve({ [name]: content }, `framework: ${framework}`, `source: file:./${name}`);
    expect(one.placed).toEqual({ [name]: to });
    expect(one.again).toEqual(one.locked);
    const all = { [`m/out/${name}`]: content, 'm/notes.txt': 'n', 'm/config.json': '{}', 'm/README.md': '#' };
    const folder = await resolve(all, `framework: ${framework}`, 'source: file:m');
    expect(folder.placed).toEqual({ [`out/${name}`]: to, 'README.md': 'README.md' });
  });

  it('stays out where the name that the server looks for exists, in the source or in `files:`', async () => {
    const files = { 'm/model.json': '{"learner":{}}', 'm/churn.ubj': booster };
    const { placed, locked } = await resolve(files, 'framework: xgboost', 'source: file:m');
    expect(placed).toEqual({ 'model.json': 'model.bst' });
    expect(JSON.stringify(locked)).not.toContain('"place"');
    const named = ['framework: xgboost', 'source: file:m', 'files: {model.bst: "file:m/churn.ubj"}'];
    const given = await resolve({ 'm/churn.ubj': booster, 'm/old.ubj': booster }, ...named);
    expect(given.placed).toEqual({ 'model.bst': 'model.bst' });
  });

  it('is chosen by the user among several', async () => {
    const files = { 'm/a.pkl': pickled, 'm/b.pkl': pickled };
    const both = ['framework: sklearn', 'source: file:m'];
    expect((await failure(resolve(files, ...both))).message).toContain('found a.pkl and b.pkl');
    expect((await resolve(files, ...both, 'include: [b.pkl]')).placed).toEqual({ 'b.pkl': 'model.pkl' });
    expect((await resolve(files, ...both, 'exclude: [b.pkl]')).placed).toEqual({ 'a.pkl': 'model.pkl' });
  });

  it('is found by its content where its extension says nothing', async () => {
    const json = '{"learner":{"attributes":{}}}';
    const files = { 'm/churn.json': json, 'm/config.json': '{}', 'm/features.json': '["a"]' };
    const found = await resolve(files, 'framework: xgboost', 'source: file:m');
    expect(found.placed).toEqual({ 'churn.json': 'model.bst' });
    const none = resolve({ 'm/features.json': '["a"]' }, 'framework: xgboost', 'source: file:m');
    expect((await failure(none)).message).toContain('needs model.bst');
  });
});

describe('content that contradicts', () => {
  it.each([
    ['sklearn', 'model.joblib', tree, 'a LightGBM model', 'lightgbm'],
    ['sklearn', 'churn.joblib', tree, 'a LightGBM model', 'lightgbm'],
    ['lightgbm', 'churn.txt', Buffer.from('{"version":[2,1,0],"learner":{}}'), 'an XGBoost model', 'xgboost'],
    ['xgboost', 'model.bst', pickled, 'a pickle', 'sklearn'],
  ])('%s refuses %s', async (framework, name, content, what, other) => {
    const lines = [`framework: ${framework}`, `source: file:${name}`];
    const error = await failure(resolve({ [name]: content }, ...lines));
    expect(error.code).toBe('source');
    expect(error.message).toBe(`resolve model churn: ${name} is ${what}, which ${framework} cannot load`);
    expect(error.next).toContain(`take \`framework: ${other}\``);
  });

  it.each(['churn.pkl', 'model.joblib'])('refuses a web page called %s', async (name) => {
    const page = '<!DOCTYPE html><html><body>Sign in</body></html>';
    const error = await failure(resolve({ [name]: page }, 'framework: sklearn', `source: file:${name}`));
    expect(error.message).toMatch(/web page|HTML/i);
  });

  it('is refused in `files:` too', async () => {
    const lines = ['framework: sklearn', 'source: file:m', 'files: {model.joblib: "file:other.txt"}'];
    const error = await failure(resolve({ 'm/README.md': '#', 'other.txt': tree }, ...lines));
    expect(error.message).toContain('file:other.txt is a LightGBM model');
  });
});
