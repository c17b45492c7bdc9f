import { describe, expect, it } from 'vitest';
import { readerOf } from '../../tests/support/model-reader.ts';
import { examineSettings, type mlserverRuntimes, pathOf } from './mlserver-settings.ts';

/** What is said of an image with these settings beside a model of scikit-learn. */
async function examine(
  settings: unknown,
  more: Record<string, string> = {},
  framework: keyof typeof mlserverRuntimes = 'sklearn',
) {
  const text = typeof settings === 'string' ? settings : JSON.stringify(settings);
  const files = readerOf({ 'model.joblib': 'm', 'model-settings.json': text, ...more });
  return await examineSettings(files, { name: 'churn', framework });
}

const own = 'mlserver_sklearn.SKLearnModel';

describe('parameters.uri', () => {
  it.each([
    './model.joblib',
    'model.joblib',
    '/mnt/models/model.joblib',
    'file:model.joblib',
    '.',
    './',
    '/mnt/models',
  ])('%s is a file of the image, or a folder with the model', async (uri) => {
    expect(await examine({ implementation: own, parameters: { uri } })).toEqual({ warnings: [] });
  });

  it.each([
    [
      './churn.joblib',
      '`./churn.joblib` as `parameters.uri`, which the image does not have; did you mean `./model.joblib`?',
    ],
    ['model.jobilb', 'does not have; did you mean `./model.joblib`?'],
    ['/mnt/models/v1/model.joblib', 'does not have; did you mean `./model.joblib`?'],
    ['../model.joblib', 'which is outside the image; did you mean'],
    ['notes', 'a folder without model.joblib, model.pickle, model.pkl'],
  ])('%s is refused, and the closest file named', async (uri, problem) => {
    const { refusal } = await examine({ parameters: { uri } }, { 'notes/a.md': 'a' });
    expect(refusal?.problem).toContain(`model-settings.json names \`${uri}\``);
    expect(refusal?.problem).toContain(problem);
    expect(refusal?.next).toBe(
      'correct `parameters.uri`, or remove it: MLServer finds the model by its name in the image',
    );
  });

  it('starts at the folder of the settings', async () => {
    const settings = JSON.stringify({ parameters: { uri: './model.joblib' } });
    const files = {
      'b/model-settings.json': settings,
      'b/model.joblib': 'm',
      'c/model-settings.json': settings,
    };
    const { refusal } = await examine({}, files);
    expect(refusal?.problem).toMatch(
      /^c\/model-settings\.json names .*did you mean `\/mnt\/models\/.*model\.joblib`\?$/,
    );
    expect(refusal?.next).toContain('add the file');
  });

  it.each(['s3://bucket/model.joblib', '/opt/model.joblib'])(
    '%s is outside the image: a warning',
    async (uri) => {
      expect((await examine({ parameters: { uri } })).warnings).toEqual([
        `model-settings.json names \`${uri}\` as \`parameters.uri\`: MLServer then reads the model from there, not from the image`,
      ]);
    },
  );

  it('counts for an environment, too', async () => {
    const settings = { parameters: { environment_tarball: './environment.tar.gz' } };
    expect((await examine(settings)).refusal).toEqual({
      problem:
        'model-settings.json names `./environment.tar.gz` as `parameters.environment_tarball`, which the image does not have',
      next: 'correct `parameters.environment_tarball`, or add the file with `include` or `files:`',
    });
    expect(await examine(settings, { 'environment.tar.gz': 'e' })).toEqual({ warnings: [] });
  });
});

it("refuses another framework's implementation", async () => {
  expect((await examine({ implementation: 'mlserver_xgboost.XGBoostModel' })).refusal).toEqual({
    problem:
      'model-settings.json has the implementation `mlserver_xgboost.XGBoostModel`, which serves framework xgboost, not sklearn',
    next: 'remove `implementation`, write `mlserver_sklearn.SKLearnModel`, or take `framework: xgboost`',
  });
  const longer = { implementation: 'mlserver_sklearn.sklearn.SKLearnModel' };
  expect(await examine(longer)).toEqual({ warnings: [] });
});

it('warns of code of its own, and of a name under which KServe does not find the model', async () => {
  const { warnings } = await examine({ name: 'iris', implementation: 'model.MyModel' });
  expect(warnings).toEqual([
    expect.stringContaining('`model.MyModel`: MLServer imports it from its own image or from *.py files'),
    expect.stringContaining('has the name `iris`: KServe finds the model ready only under'),
  ]);
  expect(await examine({ name: 'churn' })).toEqual({ warnings: [] });
});

it.each(['{', '[]', '"a"', ''])('refuses %j, which MLServer would ignore', async (text) => {
  expect((await examine(text)).refusal?.problem).toBe('model-settings.json is no JSON object');
});

it('says nothing of an image without settings', async () => {
  expect(await examineSettings(readerOf({ 'model.bst': 'm' }), { name: 'a', framework: 'xgboost' })).toEqual({
    warnings: [],
  });
});

it.each([
  ['model-settings.json', './a/../b', 'b'],
  ['x/model-settings.json', '../b', 'b'],
  ['x/model-settings.json', '../../b', undefined],
  ['x/model-settings.json', '/mnt/models/./b', 'b'],
])('from %s, %s is %s', (settings, uri, path) => {
  expect(pathOf(settings, uri)).toBe(path);
});
