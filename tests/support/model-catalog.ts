import type { CatalogModel, ModelCatalog } from '../../scripts/model-catalog/types.ts';
import { digestOf } from './attested-image.ts';

/** A model of a catalog's page; `more` replaces fields. */
export function catalogModel(name: string, more: Partial<CatalogModel> = {}): CatalogModel {
  const digest = digestOf('a');
  return {
    name,
    title: name,
    framework: 'sklearn',
    source: { revision: digestOf('c') },
    files: { count: 2, size: 1_500_000 },
    libraries: {},
    baseModels: [],
    datasets: [],
    languages: [],
    image: {
      repository: `quay.io/acme/${name}`,
      tag: 'v1.0.0',
      digest,
      isOutdated: false,
      platforms: ['linux/amd64', 'linux/arm64'],
      base: 'embedded',
      signature: { state: 'unexamined' },
      attestations: [],
      versions: [],
      moreVersions: 0,
    },
    manifest: `apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata:\n  name: ${name}\nspec:\n  predictor:\n    model:\n      modelFormat:\n        name: sklearn\n      runtime: kserve-mlserver\n      protocolVersion: v2\n      storageUri: oci://quay.io/acme/${name}@${digest}\n`,
    card: { state: 'none' },
    ...more,
  };
}

const card = `# SmolLM2

SmolLM2 is a family of compact language models. They are capable of solving a wide range of tasks while being
lightweight enough to run on-device.

![Training loss](https://tracker.example/loss.png)

## How to use

\`\`\`python
from transformers import pipeline

pipe = pipeline("text-generation", "HuggingFaceTB/SmolLM2-135M-Instruct", device_map="auto", trust_remote_code=False)
print(pipe("What is gravity?", max_new_tokens=64))
\`\`\`

## Evaluation

| Metric | SmolLM2-135M-Instruct | SmolLM-135M-Instruct | Qwen2.5-0.5B-Instruct |
|:--|--:|--:|--:|
| IFEval (average of prompt and instruction) | **29.9** | 17.2 | 30.1 |
| MT-Bench | 1.98 | 1.68 | 2.5 |
| HellaSwag | **40.9** | 38.9 | 41.2 |

> The models understand and generate content mainly in English.

- Paper: [arXiv:2502.02737](https://arxiv.org/abs/2502.02737)
- Training data: see [the data set](https://huggingface.co/datasets/HuggingFaceTB/smoltalk)
`;

const signer = 'identity https://github.com/acme/models/.github/workflows/push.yml@refs/heads/main';

/** A model with all that a page can say. */
export function signedModel(): CatalogModel {
  const { image, ...model } = catalogModel('smollm2-135m-instruct');
  return {
    ...model,
    title: 'SmolLM2 135M Instruct',
    description: 'A compact instruction-tuned language model that runs on one CPU.',
    framework: 'vllm',
    task: 'text-generation',
    licence: 'Apache-2.0',
    version: 'v1.2.0',
    source: {
      uri: 'hf://HuggingFaceTB/SmolLM2-135M-Instruct',
      page: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct',
      owner: 'HuggingFaceTB',
      revision: '12fd25f77366fa6b3b4b768ec3050bf629380bac',
    },
    files: { count: 9, size: 272_400_000 },
    library: 'transformers',
    libraries: { transformers: '4.47.1' },
    baseModels: ['HuggingFaceTB/SmolLM2-135M'],
    datasets: ['HuggingFaceTB/smoltalk'],
    languages: ['en'],
    image: {
      ...image,
      tag: 'v1.2.0',
      isPushed: true,
      size: 274_000_000,
      base: 'registry.access.redhat.com/ubi10/ubi-micro',
      signature: { state: 'verified', by: [signer] },
      attestations: [
        { predicateType: 'https://cyclonedx.org/bom', by: signer },
        { predicateType: 'https://slsa.dev/provenance/v1', by: signer },
      ],
      versions: [
        { tag: 'v1.2.0', digest: digestOf('a') },
        { tag: 'v1.1.0', digest: digestOf('b') },
      ],
      moreVersions: 3,
    },
    card: { state: 'shown', text: card, isCut: false },
  };
}

/** Frameworks, tasks and licences as catalogs have them. */
const kinds: [string, string | undefined, string | undefined, string][] = [
  ['sklearn', 'tabular-classification', 'MIT', 'Which customers will leave within a month.'],
  ['xgboost', 'tabular-regression', 'Apache-2.0', 'Demand of each store and day, for the next two weeks.'],
  [
    'huggingface',
    'text-classification',
    'Apache-2.0',
    'Sorts tickets by topic and urgency in seven languages.',
  ],
  ['onnx', 'image-classification', 'BSD-3-Clause', 'Defects on photographs of welds.'],
  ['vllm', 'text-generation', 'LicenseRef-llama3.2', 'Answers questions about internal documents.'],
  ['lightgbm', undefined, undefined, 'Ranks search results.'],
];
const subjects = [
  'Churn',
  'Demand',
  'Tickets',
  'Welds',
  'Assistant',
  'Ranking',
  'Fraud',
  'Prices',
  'Sentiment',
];

/** A catalog of `count` models of several kinds, the first of them `signedModel`. */
export function modelCatalog(count: number): ModelCatalog {
  const models = Array.from({ length: count - 1 }, (_, at): CatalogModel => {
    const [framework, task, licence, description = ''] = kinds[at % kinds.length] ?? [
      'sklearn',
      undefined,
      undefined,
      '',
    ];
    const title = `${subjects[at % subjects.length]} ${Math.floor(at / subjects.length) + 1}`;
    const model = catalogModel(`model-${at}`, { title, framework, description, version: 'v1.0.0' });
    return { ...model, ...(task !== undefined && { task }), ...(licence !== undefined && { licence }) };
  });
  return { title: 'Models of Acme', models: [signedModel(), ...models] };
}
