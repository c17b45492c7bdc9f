import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { Folder } from '../../tests/support/catalog-folder.ts';
import { isModel } from '../model/catalog-entry.ts';
import { packageFile } from '../package.ts';
import { loadFrameworks } from './frameworks.ts';
import { loadCatalog } from './load.ts';
import { resolveModel } from './resolve.ts';

/** Resolves the sample of scikit-learn, under this name, with MLServer's settings as one of `files:`. */
async function resolve(settings: object, file = 'model.joblib') {
  await using folder = await Folder.make({
    [`m/${file}`]: await readFile(packageFile('frameworks/sklearn/model.joblib')),
    'settings.json': JSON.stringify(settings),
  });
  const files = 'files: {model-settings.json: "file:settings.json"}';
  const entry = ['name: churn', 'framework: sklearn', 'source: file:m', files].join('\n    ');
  const [model] = (await loadCatalog(await folder.catalog(`models:\n  - ${entry}\n`))).models;
  const framework = (await loadFrameworks(folder.path, new Set(['sklearn']))).get('sklearn');
  if (!model || !isModel(model) || !framework) throw new Error('the fixture is broken');
  return await resolveModel(model, framework, { directory: folder.path });
}

it("takes MLServer's own settings of `files:`, and warns of what they say", async () => {
  const settings = { name: 'iris', parameters: { uri: './model.joblib' } };
  const { files, warnings } = await resolve(settings);
  expect(files.map(({ path }) => path)).toEqual(['model-settings.json', 'model.joblib']);
  expect(warnings).toEqual([expect.stringContaining('has the name `iris`')]);
});

it('refuses settings that name a file by its name in the source, not the one in the image', async () => {
  await expect(resolve({ parameters: { uri: './churn.joblib' } }, 'churn.joblib')).rejects.toMatchObject({
    code: 'source',
    message:
      'resolve model churn: model-settings.json names `./churn.joblib` as `parameters.uri`, which the image does not have; did you mean `./model.joblib`?',
    next: expect.stringContaining('correct `parameters.uri`, or remove it'),
  });
});
