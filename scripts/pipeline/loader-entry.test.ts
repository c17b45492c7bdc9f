import { expect, it } from 'vitest';
import { Folder } from '../../tests/support/catalog-folder.ts';
import { loadCatalog } from '../catalog/load.ts';
import type { Loader } from '../model/types.ts';
import { annotationsOf } from './annotations.ts';
import { listModels } from './list.ts';

const base = 'docker.io/library/node:24-slim';
const loader: Loader = {
  name: 'model-loader',
  image: 'loader',
  tags: [],
  base,
  platforms: ['linux/amd64', 'linux/arm64'],
  compression: 'none',
  annotations: {},
};

// Scripts read `list --json`, and the annotations are part of the image's digest: both need names for the fields that a
// loader lacks.
it('is listed with the same fields as a model', async () => {
  await using folder = await Folder.make();
  const catalog = await loadCatalog(
    await folder.catalog('models:\n  - {name: model-loader, image: loader}\n'),
  );
  expect(catalog.models).toEqual([loader]);
  const listed = await listModels(await folder.run(catalog));
  expect(listed).toEqual([
    {
      ...loader,
      framework: 'loader',
      source: 'modelcars:loader',
      files: {},
      include: [],
      exclude: [],
      lock: { state: 'missing', reasons: [expect.stringContaining('models.lock.yaml')] },
    },
  ]);
});

it('is annotated with its name in place of framework and source', () => {
  const locked = {
    framework: 'loader',
    source: 'file:///app',
    revision: 'r',
    include: [],
    exclude: [],
    files: [],
  };
  expect(annotationsOf(loader, locked, '1970-01-01T00:00:00Z')).toEqual({
    'org.opencontainers.image.title': 'model-loader',
    'org.opencontainers.image.revision': 'r',
    'org.opencontainers.image.source': 'modelcars:loader',
    'dev.modelcars.framework': 'loader',
    'org.opencontainers.image.base.name': base,
    'org.opencontainers.image.created': '1970-01-01T00:00:00Z',
  });
});
