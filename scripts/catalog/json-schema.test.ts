import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { Folder } from '../../tests/support/catalog-folder.ts';
import { jsonSchema, schemaFile } from './json-schema.ts';
import { loadCatalog } from './load.ts';
import { catalogSchema, modelSchema } from './schema.ts';

const repository = join(schemaFile, '..');
const read = (name: string) => readFile(join(repository, name), 'utf8');
const editor = z.fromJSONSchema(JSON.parse(jsonSchema()));

it('equals models.schema.json', async () => {
  expect(await read('models.schema.json'), 'run `npx node scripts/catalog/json-schema.ts`').toBe(
    jsonSchema(),
  );
});

it('is named on the first line of models.yaml', async () => {
  expect((await read('models.yaml')).split('\n')[0]).toBe(
    '# yaml-language-server: $schema=./models.schema.json',
  );
  expect(editor.safeParse(parse(await read('models.yaml'))).error).toBeUndefined();
});

it('describes every field', () => {
  const { properties } = z.toJSONSchema(catalogSchema, { io: 'input' });
  const { properties: fields } = z.toJSONSchema(modelSchema, { io: 'input' });
  for (const [name, field] of Object.entries({ ...properties, ...fields })) {
    expect(field, name).toMatchObject({ description: expect.any(String) });
  }
});

it('rejects in an editor the mistakes that the command rejects', () => {
  const model = { name: 'a', framework: 'b', source: 'file:c' };
  const refused = [
    {},
    { models: {} },
    { models: [{ ...model, frameork: 'x' }] },
    { models: [{ ...model, name: 'A' }] },
    { models: [{ ...model, source: 'c' }] },
    { models: [{ ...model, platforms: ['amd64'] }] },
    { models: [{ ...model, version: '1.0' }] },
    { models: [{ ...model, maxLayerSize: '10XB' }] },
    { models: [{ ...model, maxLayerSize: 0 }] },
    { models: [{ ...model, tags: ['.a'] }] },
  ];
  for (const value of refused) expect(editor.safeParse(value).success, JSON.stringify(value)).toBe(false);
  const fine = {
    ...model,
    version: 'v1.2.3-rc.1',
    maxLayerSize: '10GB',
    platforms: ['linux/amd64'],
    tags: ['a'],
  };
  expect(editor.safeParse({ models: [fine] }).error).toBeUndefined();
  expect(editor.safeParse({ models: [] }).error).toBeUndefined();
});

it('is documented by an example that loads, with every field in it', async () => {
  const documentation = await read('docs/reference/models-yaml.md');
  const [, example = ''] =
    /```yaml models\.yaml\n(# yaml-language-server[\s\S]*?)```/.exec(documentation) ?? [];
  await using folder = await Folder.make();
  expect((await loadCatalog(await folder.catalog(example))).models.length).toBeGreaterThan(0);
  for (const field of [...Object.keys(catalogSchema.shape), ...Object.keys(modelSchema.shape)]) {
    expect(documentation, `docs/reference/models-yaml.md must explain ${field}`).toContain(`\`${field}\``);
    expect(example, `the example of docs/reference/models-yaml.md must show ${field}`).toMatch(
      new RegExp(`\\b${field}:`),
    );
  }
});
