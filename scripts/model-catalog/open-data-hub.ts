import { stringify } from 'yaml';
import { referenceOf } from './deploy.ts';
import { safeLink } from './html.ts';
import type { CatalogModel, ModelCatalog, SiteFile } from './types.ts';

/** The catalog file that sources.yaml names. */
const catalogFile = 'modelcars.yaml';

/** Tasks by kind of model, from the README of Kubeflow's catalog service ("Task Mappings"). */
const generative = new Set([
  'text-generation',
  'text2text-generation',
  'image-text-to-text',
  'summarization',
  'translation',
  'text-to-image',
  'unconditional-image-generation',
  'image-to-image',
  'text-to-speech',
  'audio-to-audio',
]);
const predictive = new Set([
  'text-classification',
  'token-classification',
  'image-classification',
  'zero-shot-classification',
  'audio-classification',
  'tabular-classification',
  'tabular-regression',
  'question-answering',
  'document-question-answering',
  'object-detection',
  'image-segmentation',
  'keypoint-detection',
  'feature-extraction',
  'sentence-similarity',
  'image-feature-extraction',
  'fill-mask',
]);
/** Frameworks of models that only predict. */
const classic = new Set(['sklearn', 'xgboost', 'lightgbm', 'catboost', 'pmml']);

/**
 * The files of a source of the catalog service of Kubeflow Model Registry and Open Data Hub: `sources.yaml` and the YAML
 * catalog that it names. Field names are those of its OpenAPI document (api/openapi/catalog.yaml, `CatalogModel`), which its
 * loader reads strictly (catalog/internal/catalog/modelcatalog/yaml_catalog.go). `epoch`: seconds since 1970 of the
 * images, left out when 0.
 */
export function openDataHubFiles({ title, models }: ModelCatalog, epoch: number): SiteFile[] {
  const source = {
    // `model_catalogs` is the newer name, which releases before 2026 do not know.
    catalogs: [
      {
        name: title,
        id: 'modelcars',
        type: 'yaml',
        enabled: true,
        properties: { yamlCatalogPath: catalogFile },
        labels: [title],
      },
    ],
  };
  const catalog = { source: title, models: models.map((model) => entryOf(model, epoch)) };
  const write = (value: object) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
  return [
    { path: catalogFile, text: write(catalog) },
    { path: 'sources.yaml', text: write(source) },
  ];
}

function entryOf(model: CatalogModel, epoch: number): Record<string, unknown> {
  const { name, description, card, licence, licenceLink, task, languages, library, source } = model;
  const reference = referenceOf(model);
  const link = licenceLink === undefined ? undefined : safeLink(licenceLink);
  const times = epoch > 0 && {
    createTimeSinceEpoch: String(epoch * 1000),
    lastUpdateTimeSinceEpoch: String(epoch * 1000),
  };
  return {
    name,
    ...(source.owner !== undefined && { provider: source.owner }),
    ...(description !== undefined && { description }),
    ...(card.state === 'shown' && { readme: card.text }),
    ...(languages.length > 0 && { language: languages }),
    ...(licence !== undefined && { license: licence }),
    ...(link !== undefined && { licenseLink: link }),
    ...(library !== undefined && { libraryName: library }),
    ...(task !== undefined && { tasks: [task] }),
    ...times,
    customProperties: propertiesOf({
      model_type: typeOf(model),
      framework: model.framework,
      version: model.version,
      source: source.uri,
      revision: source.revision,
      base_model: model.baseModels.join(', '),
      datasets: model.datasets.join(', '),
      size: model.files && String(model.files.size),
    }),
    ...(reference !== undefined && {
      artifacts: [
        {
          uri: `oci://${reference}`,
          ...times,
          customProperties: propertiesOf({
            // As in Red Hat's catalogs: a JSON list of architectures.
            architecture: JSON.stringify(architectures(model.image.platforms)),
            tag: model.image.tag,
          }),
        },
      ],
    }),
  };
}

/** Properties that are known, in the form of MetadataStringValue. */
function propertiesOf(texts: Record<string, string | undefined>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([key, text]) =>
      text === undefined || text === ''
        ? []
        : [[key, { metadataType: 'MetadataStringValue', string_value: text }]],
    ),
  );
}

function typeOf({ task = '', framework }: CatalogModel): string {
  if (generative.has(task) || framework === 'gguf') return 'generative';
  return predictive.has(task) || classic.has(framework) ? 'predictive' : 'unknown';
}

function architectures(platforms: readonly string[]): string[] {
  return [...new Set(platforms.flatMap((platform) => platform.split('/')[1] ?? []))];
}
