import { expect, it } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import type { Catalog, Loader } from '../model/types.ts';
import { createProgress } from '../terminal/progress.ts';
import { forEachModel } from './for-each-model.ts';

const model: Loader = {
  ...{ name: 'llama', image: 'loader', tags: [], base: 'embedded', platforms: [] },
  ...{ compression: 'none', annotations: {} },
};

async function nextOf(file: string, next: string | undefined): Promise<string | undefined> {
  const catalog: Catalog = {
    ...{ file: `${process.cwd()}/${file}`, directory: '', lockFile: '', mirrors: {}, models: [model] },
  };
  const [outcome] = await forEachModel(
    {
      catalog,
      models: catalog.models,
      signal: new AbortController().signal,
      progress: await createProgress({ stream: process.stderr, enabled: false, interactive: false }),
    },
    async () => {
      throw new ModelcarsError('integrity', 'read x', next === undefined ? {} : { next });
    },
  );
  expect(outcome).toMatchObject({ status: 'failed', error: { code: 'integrity', message: 'read x' } });
  return outcome?.error?.next;
}

it.each([
  ['models.yaml', 'run `modelcars lock --upgrade` if so', 'run `modelcars lock --upgrade llama` if so'],
  ['dev.yaml', 'run `modelcars lock --upgrade`', 'run `modelcars lock --upgrade llama -f dev.yaml`'],
  ['dev.yaml', 'run `modelcars lock` if so', 'run `modelcars lock -f dev.yaml` if so'],
  ['models.yaml', 'run `modelcars lock` if so', 'run `modelcars lock` if so'],
  ['dev.yaml', 'check the disk', 'check the disk'],
  ['dev.yaml', undefined, undefined],
])('names the model and the catalog in the next step: %s, %s', async (file, next, expected) => {
  expect(await nextOf(file, next)).toBe(expected);
});
