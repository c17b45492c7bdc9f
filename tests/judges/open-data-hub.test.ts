/**
 * The files of `catalog --format odh`, by the OpenAPI document in the Go module of Kubeflow's Model Registry. Its loader reads
 * YAML into types generated from that document and refuses unknown fields (catalog/internal/catalog/modelcatalog/
 * yaml_catalog.go, `yaml.UnmarshalStrict`). It cannot be built here: a module that it requires is in no proxy.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { openDataHubFiles } from '../../scripts/model-catalog/open-data-hub.ts';
import { goModule } from '../parts/kube/go.ts';
import { PartMissing, partsRequired } from '../parts/parts.ts';
import { modelCatalog, signedModel } from '../support/model-catalog.ts';

/** The module's folder; undefined without Go, unless parts are required. */
async function registry(): Promise<string | undefined> {
  try {
    return await goModule('github.com/kubeflow/model-registry', 'v0.3.10');
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return undefined;
  }
}
const folder = await registry();

const schema = (name: string) => ({ $ref: `catalog#/components/schemas/${name}` });
const closed = { unevaluatedProperties: false };
const artifact = { ...schema('CatalogModelArtifact'), ...closed };
const model = {
  ...schema('CatalogModel'),
  properties: { artifacts: { type: 'array', items: artifact } },
  ...closed,
};
const source = {
  ...schema('CatalogSource'),
  required: ['type'],
  properties: {
    type: { enum: ['yaml', 'hf'] },
    properties: { type: 'object', required: ['yamlCatalogPath'] },
  },
  ...closed,
};
const list = (items: object) => ({ type: 'array', minItems: 1, items });
const documents = {
  catalog: {
    type: 'object',
    required: ['source', 'models'],
    properties: { source: { type: 'string' }, models: list(model) },
    additionalProperties: false,
  },
  sources: {
    type: 'object',
    required: ['catalogs'],
    properties: { catalogs: list(source) },
    additionalProperties: false,
  },
};

const formats = { int64: /^\d+$/, int32: true, double: true, byte: true } as const;

/** What the judge has against a document; none for a valid one. */
async function complaints(kind: keyof typeof documents, text: string): Promise<string[]> {
  const openApi = await readFile(join(folder ?? '', 'api/openapi/catalog.yaml'), 'utf8');
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats });
  addFormats.default(ajv, ['uri']);
  ajv.addSchema(parse(openApi), 'catalog');
  const value = parse(text);
  // As the loader does (yamlArtifact.UnmarshalJSON).
  for (const one of value.models ?? [])
    for (const item of one.artifacts ?? []) item.artifactType ??= 'model-artifact';
  ajv.validate(documents[kind], value);
  return (ajv.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, message, params.unevaluatedProperty].filter(Boolean).join(' '),
  );
}
const files = openDataHubFiles(modelCatalog(12), 1_700_000_000);
const written = (path: string) => files.find((file) => file.path === path)?.text ?? '';

test.skipIf(!folder)('what modelcars writes is valid', async () => {
  expect(await complaints('sources', written('sources.yaml'))).toEqual([]);
  expect(await complaints('catalog', written('modelcars.yaml'))).toEqual([]);
  const minimal = openDataHubFiles({ title: 'x', models: [signedModel()] }, 0);
  expect(await complaints('catalog', minimal[0]?.text ?? '')).toEqual([]);
});

test.skipIf(!folder)("the registry's own catalogs are valid too", async () => {
  const path = 'catalog/internal/catalog/modelcatalog/testdata';
  const own = (name: string) => readFile(join(folder ?? '', path, name), 'utf8');
  expect(await complaints('catalog', await own('dev-organization-models.yaml'))).toEqual([]);
  // The document requires labels, the loader does not.
  expect(await complaints('sources', await own('dev-catalog-sources.yaml'))).toEqual([
    "/catalogs/2 must have required property 'labels'",
  ]);
});

test.skipIf(!folder).each([
  ['modelcars.yaml', 'license:', 'licence:', 'licence'],
  ['modelcars.yaml', 'language:\n', 'language: en\n    languages:\n', 'must be array'],
  ['modelcars.yaml', 'string_value: generative', 'string_value: 5', 'must be string'],
  ['modelcars.yaml', 'metadataType: MetadataStringValue', 'metadataType: String', 'must match exactly one'],
  ['modelcars.yaml', 'uri: oci', 'url: oci', "required property 'uri'"],
  ['modelcars.yaml', '- name: smollm2-135m-instruct', '- nam: x', "required property 'name'"],
  ['sources.yaml', 'id: modelcars', 'ident: modelcars', "required property 'id'"],
  ['sources.yaml', 'yamlCatalogPath', 'path', "required property 'yamlCatalogPath'"],
])('in %s, %j written %j is reported', async (path, right, wrong, words) => {
  const text = written(path);
  expect(text).toContain(right);
  const kind = path === 'sources.yaml' ? 'sources' : 'catalog';
  expect((await complaints(kind, text.replace(right, wrong))).join('\n')).toContain(words);
});
