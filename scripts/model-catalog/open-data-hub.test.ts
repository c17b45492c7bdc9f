import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { digestOf } from '../../tests/support/attested-image.ts';
import { catalogModel, signedModel } from '../../tests/support/model-catalog.ts';
import { openDataHubFiles } from './open-data-hub.ts';
import type { CatalogModel } from './types.ts';

function catalogOf(models: CatalogModel[], epoch = 0) {
  const files = openDataHubFiles({ title: 'Acme', models }, epoch);
  return Object.fromEntries(files.map(({ path, text }) => [path, parse(text)]));
}
const text = (value: string) => ({ metadataType: 'MetadataStringValue', string_value: value });

it('writes a source and the catalog that it names', () => {
  const { image, card, ...signed } = signedModel();
  expect(catalogOf([{ ...signed, image, card: { state: 'shown', text: '# Card', isCut: false } }])).toEqual({
    'sources.yaml': {
      catalogs: [
        {
          name: 'Acme',
          id: 'modelcars',
          type: 'yaml',
          enabled: true,
          properties: { yamlCatalogPath: 'modelcars.yaml' },
          labels: ['Acme'],
        },
      ],
    },
    'modelcars.yaml': {
      source: 'Acme',
      models: [
        {
          name: 'smollm2-135m-instruct',
          provider: 'HuggingFaceTB',
          description: signed.description,
          readme: '# Card',
          language: ['en'],
          license: 'Apache-2.0',
          libraryName: 'transformers',
          tasks: ['text-generation'],
          customProperties: {
            model_type: text('generative'),
            framework: text('vllm'),
            version: text('v1.2.0'),
            source: text('hf://HuggingFaceTB/SmolLM2-135M-Instruct'),
            revision: text('12fd25f77366fa6b3b4b768ec3050bf629380bac'),
            base_model: text('HuggingFaceTB/SmolLM2-135M'),
            datasets: text('HuggingFaceTB/smoltalk'),
            size: text('272400000'),
          },
          artifacts: [
            {
              uri: `oci://quay.io/acme/smollm2-135m-instruct@${digestOf('a')}`,
              customProperties: { architecture: text('["amd64","arm64"]'), tag: text('v1.2.0') },
            },
          ],
        },
      ],
    },
  });
});

it('dates what SOURCE_DATE_EPOCH dates, in milliseconds', () => {
  const [model] = catalogOf([catalogModel('iris')], 1_700_000_000)['modelcars.yaml'].models;
  expect(model).toMatchObject({
    createTimeSinceEpoch: '1700000000000',
    lastUpdateTimeSinceEpoch: '1700000000000',
    artifacts: [{ createTimeSinceEpoch: '1700000000000' }],
  });
});

it('names an image whose digest is not known by its tag', () => {
  const { digest: _, ...image } = catalogModel('iris').image;
  const [model] = catalogOf([{ ...catalogModel('iris'), image }])['modelcars.yaml'].models;
  expect(model.artifacts[0].uri).toBe('oci://quay.io/acme/iris:v1.0.0');
});

it.each([
  ['javascript:alert(1)', undefined],
  ['https://example.com/licence', 'https://example.com/licence'],
])('of the licence link %s takes %s', (licenceLink, expected) => {
  const [model] = catalogOf([catalogModel('iris', { licenceLink })])['modelcars.yaml'].models;
  expect(model.licenseLink).toBe(expected);
});

it.each([
  [{ framework: 'gguf' }, 'generative'],
  [{ framework: 'xgboost' }, 'predictive'],
  [{ framework: 'onnx' }, 'unknown'],
  [{ framework: 'onnx', task: 'fill-mask' }, 'predictive'],
  [{ framework: 'custom', task: 'text-to-speech' }, 'generative'],
])('%o is %s', (model, expected) => {
  const [entry] = catalogOf([catalogModel('x', model)])['modelcars.yaml'].models;
  expect(entry.customProperties.model_type).toEqual(text(expected));
});
