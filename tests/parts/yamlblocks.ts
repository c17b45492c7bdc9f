/** Checks of the documentation's YAML blocks, by the word after the fence. Each throws on an invalid block. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { loadCatalog } from '../../scripts/catalog/load.ts';
import { parseReference } from '../../scripts/registry/reference.ts';

/** Word after `yaml` → the check that loads such a block. */
export const yamlKinds: Record<string, (text: string) => Promise<void>> = {
  /** A whole catalog. */
  'models.yaml': (text) => loadText(text),
  /** Entries of one: `- name: …`. */
  models: (text) => loadText(`models:\n${indented(text, '  ')}`),
  /** Fields of an entry. */
  model: (text) => loadText(`models:\n  - name: some\n    framework: sklearn\n${indented(text, '    ')}`),
  /** Objects. */
  kubernetes: async (text) => {
    for (const object of documentsOf(text)) checkObject(object);
  },
  /** A kustomization, or a configuration of kustomize's transformers. `judges/kustomize` builds them. */
  kustomize: async (text) => {
    for (const document of documentsOf(text)) kustomizeFile.parse(document);
  },
  /** Fields of a pod's `spec`. */
  pod: async (text) => {
    const [spec, ...more] = documentsOf(text);
    if (more.length > 0) throw new Error('a pod has one spec');
    podSpec.parse(spec);
  },
  /** A workflow of GitHub Actions. */
  workflow: async (text) => {
    for (const workflow of documentsOf(text)) workflowSchema.parse(workflow);
  },
  /** Jobs of GitLab CI. */
  'gitlab-ci': async (text) => {
    for (const jobs of documentsOf(text)) gitlabSchema.parse(jobs);
  },
};

const step = z.union([
  z.strictObject({ uses: z.string().regex(/^[\w.-]+\/[\w./-]+@v\d+$/), with: z.looseObject({}).optional() }),
  z.strictObject({ run: z.string(), name: z.string().optional() }),
]);
const workflowSchema = z.strictObject({
  name: z.string(),
  on: z.looseObject({}),
  permissions: z.record(z.string(), z.enum(['read', 'write', 'none'])),
  env: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  jobs: z.record(z.string(), z.looseObject({ 'runs-on': z.string(), steps: z.array(step).min(1) })),
});
const gitlabSchema = z.record(
  z.string(),
  z.strictObject({
    image: z.looseObject({ name: z.string() }),
    rules: z.array(z.looseObject({ if: z.string() })),
    script: z.array(z.string()).min(1),
    artifacts: z.looseObject({ paths: z.array(z.string()) }).optional(),
  }),
);

async function loadText(text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-docs-'));
  try {
    await writeFile(join(folder, 'models.yaml'), text);
    await loadCatalog(join(folder, 'models.yaml'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** With every line indented further; a block that is itself indented keeps its shape. */
function indented(text: string, by: string): string {
  const lines = text.split('\n');
  const least = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return lines.map((line) => (line.trim() === '' ? '' : by + line.slice(least))).join('\n');
}

/** All documents of a text; throws on invalid YAML, duplicate keys included, and on an empty text. */
export function documentsOf(text: string): unknown[] {
  const documents = [...parseAllDocuments(text)].map((document) => {
    for (const problem of [...document.errors, ...document.warnings]) throw problem;
    return document.toJS() as unknown;
  });
  if (documents.length === 0) throw new Error('there is no YAML document');
  return documents;
}

/** Kind → its apiVersion: those used in the documentation and ci/. */
const apiVersions: Record<string, string> = {
  InferenceService: 'serving.kserve.io/v1beta1',
  Job: 'batch/v1',
  LLMInferenceService: 'serving.kserve.io/v1alpha2',
  Pipeline: 'tekton.dev/v1',
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
  ServiceAccount: 'v1',
  Task: 'tekton.dev/v1',
};

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/) }),
});

const storageUri = z.string().refine((uri) => {
  const [scheme, reference = ''] = uri.split('://');
  const { tag, digest } = parseReference(reference);
  return scheme === 'oci' && (tag !== undefined || digest !== undefined);
}, 'is no oci:// reference with a tag or digest');

const inferenceService = z.looseObject({
  spec: z.strictObject({
    predictor: z.looseObject({
      model: z.looseObject({
        modelFormat: z.looseObject({ name: z.string() }),
        protocolVersion: z.enum(['v1', 'v2']).optional(),
        storageUri,
      }),
    }),
  }),
});

const llmInferenceService = z.looseObject({
  spec: z.looseObject({ model: z.strictObject({ uri: storageUri, name: z.string() }) }),
});

/** Throws unless this is a Kubernetes object of a known kind, in that kind's version. */
export function checkObject(object: unknown): void {
  const { apiVersion, kind } = objectSchema.parse(object);
  if (apiVersions[kind] !== apiVersion) throw new Error(`no ${kind} of ${apiVersion} is known`);
  if (kind === 'InferenceService') inferenceService.parse(object);
  if (kind === 'LLMInferenceService') llmInferenceService.parse(object);
}

const kustomizeFile = z.union([
  z.looseObject({
    apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
    kind: z.literal('Kustomization'),
    resources: z.array(z.string()),
  }),
  z.strictObject({ images: z.array(z.strictObject({ path: z.string(), kind: z.string() })) }),
]);

const entry = z.union([
  z.strictObject({ name: z.string(), value: z.string() }),
  z.strictObject({ name: z.string(), valueFrom: z.looseObject({}) }),
]);
const container = z.looseObject({
  name: z.string(),
  image: z.string().refine((image) => parseReference(image).tag !== undefined, 'has no tag'),
  env: z.array(entry).optional(),
});
/** Field names are Kubernetes' (core/v1 PodSpec). */
const podSpec = z.strictObject({
  initContainers: z.array(container).min(1).optional(),
  containers: z.array(container).min(1).optional(),
});
