import { z } from 'zod';
import type { ModelSmoke } from '../../../model/types.ts';
import { bytes, count, digest, document } from './parts.ts';
import { servingSchema } from './serving.ts';

/** The documents of the commands that describe the catalog, images, or modelcars itself. */

const texts = z.record(z.string(), z.string());

const lockStateSchema = z
  .strictObject({
    state: z.enum(['locked', 'stale', 'missing']).describe('Whether the lock has the model as it is now.'),
    reasons: z.array(z.string()).describe('Why the state is not `locked`, for people.'),
    revision: z.string().describe('The locked revision.').exactOptional(),
    files: count.describe('Number of files.').exactOptional(),
    size: bytes.describe('Bytes of all files.').exactOptional(),
    licenses: z
      .string()
      .describe('SPDX expression: from the catalog or the locked model card.')
      .exactOptional(),
    digest: digest
      .describe('Digest of the image index that a push makes; absent when a layer or the base is unknown.')
      .exactOptional(),
    libraries: z
      .record(z.string(), z.string())
      .describe('Versions of the libraries that made the model, as far as its files name them.')
      .exactOptional(),
    warning: z.string().describe("Why it may not load in its runtime's image, for people.").exactOptional(),
  })
  .meta({ id: 'LockState' });

const allowSchema = z.strictObject({
  imports: z.array(z.string()).describe('Imports of pickles.').exactOptional(),
  code: z.array(z.string()).describe('Globs of files that are code or name some.').exactOptional(),
  unread: z.array(z.string()).describe('Globs of files that cannot be checked.').exactOptional(),
});

/** Its fields are documented where users write them, in models.schema.json. */
const smokeSchema = z.union([z.literal(false), z.record(z.string(), z.unknown())]) as z.ZodType<
  ModelSmoke | false
>;

const listedSchema = z
  .strictObject({
    name: z.string().describe('Name in the catalog.'),
    image: z.literal('loader').describe('Only of an entry with `image: loader`.').exactOptional(),
    framework: z.string().describe('A folder of frameworks/, or `loader`.'),
    source: z.string().describe('URI of the source.'),
    files: texts.describe('Additional files: path below /models and URI.'),
    include: z.array(z.string()).describe("Globs; empty means the framework's."),
    exclude: z.array(z.string()).describe('Globs.'),
    version: z.string().describe('Version of the image.').exactOptional(),
    tags: z.array(z.string()).describe('Additional tags.'),
    floatingTags: z
      .boolean()
      .describe('Whether `v1.2`, `v1` and `latest` follow; default true.')
      .exactOptional(),
    base: z.string().describe('`embedded` or an image reference.'),
    platforms: z.array(z.string()).describe('As in `linux/amd64`.'),
    compression: z.enum(['none', 'gzip', 'zstd']).describe('Compression of layers.'),
    maxLayerSize: bytes.describe('Bytes.').exactOptional(),
    registry: z.string().describe('Registry and path to push to.').exactOptional(),
    title: z.string().describe('The title.').exactOptional(),
    description: z.string().describe('The description.').exactOptional(),
    licenses: z.string().describe('An SPDX expression.').exactOptional(),
    licensesByDefault: z
      .literal(true)
      .describe('Present when `licenses` comes from `defaults:`.')
      .exactOptional(),
    annotations: texts.describe('Additional annotations.'),
    serving: servingSchema.describe('How KServe serves it.').exactOptional(),
    smoke: smokeSchema.describe('Its `smoke:` in models.yaml.').exactOptional(),
    allow: allowSchema.describe('What the check for unsafe files lets through.').exactOptional(),
    lock: lockStateSchema.describe('Its state in the lock.'),
  })
  .meta({ id: 'ListedModel' });

export const list = document('list', {
  file: z.string().describe('Absolute path of the catalog.'),
  lockFile: z.string().describe('Absolute path of its lock.'),
  models: z.array(listedSchema).describe('The selected models, in the order of the catalog.'),
});

const objectSchema = z
  .looseObject({
    apiVersion: z.string().describe('As in Kubernetes.'),
    kind: z.string().describe('As in Kubernetes.'),
    metadata: z
      .strictObject({
        name: z.string().describe('As in Kubernetes.'),
        namespace: z.string().describe('As in Kubernetes.').exactOptional(),
        labels: texts.describe('As in Kubernetes.').exactOptional(),
        annotations: texts.describe('As in Kubernetes.').exactOptional(),
      })
      .describe('As in Kubernetes.'),
  })
  .meta({ id: 'KubernetesObject' });

export const catalog = document('catalog', {
  format: z.enum(['html', 'odh']).describe('What was written.'),
  output: z.string().describe('The folder.'),
  files: count.describe('Files of the site or the source.'),
  written: count.describe('Those that this run wrote: new or changed ones.'),
  removed: z.array(z.string()).describe('Paths of files of an earlier run that it removed.'),
  models: z
    .array(
      z.strictObject({
        model: z.string().describe('Name in the catalog.'),
        repository: z
          .string()
          .describe('Repository of the image; absent without a registry.')
          .exactOptional(),
        digest: digest.describe('Digest of the image; absent when nothing knows it.').exactOptional(),
        signature: z
          .enum(['unexamined', 'unsigned', 'unverified', 'verified', 'untrusted'])
          .describe('Signatures in the registry; `unexamined` without `--remote`.'),
        card: z
          .enum(['shown', 'none', 'unread'])
          .describe('Whether the model card is on the page; `unread` after a warning.'),
      }),
    )
    .describe('One entry per model, in the order of the page.'),
});

export const policy = document('policy', {
  kind: z
    .enum(['kyverno', 'kyverno-image-validating', 'openshift', 'sigstore'])
    .describe('What the policy is made for.'),
  notes: z.array(z.string()).describe('Its version and its limits, for people: the comments of the YAML.'),
  objects: z.array(objectSchema).describe('The objects to apply.'),
});

const baseFiles = z
  .array(
    z.strictObject({
      path: z.string().describe('Path of the file.'),
      status: z.enum(['created', 'changed', 'unchanged', 'removed']).describe('What was done to it.'),
    }),
  )
  .describe('The kustomize base, with `--output`.')
  .exactOptional();

export const manifest = document('manifest', {
  models: z
    .array(
      z.strictObject({
        model: z.string().describe('Name in the catalog.'),
        image: z.string().describe('The image, by digest.'),
        version: z.string().describe('Version or tag of the image, where it has one.').exactOptional(),
        objects: z
          .array(objectSchema)
          .describe('ServingRuntime (with `--with-runtime`) and InferenceService.'),
      }),
    )
    .describe('One entry per model.'),
  files: baseFiles,
  application: objectSchema.describe("Argo CD's Application, with `--argocd`.").exactOptional(),
});

export const prefetch = document('prefetch', {
  models: z
    .array(
      z.strictObject({
        model: z.string().describe('Name in the catalog.'),
        image: z.string().describe('The image, by digest.'),
        version: z.string().describe('Version or tag of the image, where it has one.').exactOptional(),
        object: z.string().describe('Name of the object that pulls it.'),
      }),
    )
    .describe('One entry per image, in the order of the objects.'),
  objects: z.array(objectSchema).describe('A DaemonSet, or with `--job` a Job, for each set of nodes.'),
  files: baseFiles,
});

const layerSchema = z
  .strictObject({
    digest: digest.describe('Digest as stored.'),
    size: bytes.describe('Bytes as stored.'),
    mediaType: z.string().describe('Media type.'),
    files: z
      .array(
        z.strictObject({
          path: z.string().describe('Path below /models.'),
          size: bytes.describe('Bytes.'),
          sha256: z.string().describe('64 hexadecimal digits.'),
        }),
      )
      .describe('Its files, as its annotation lists them.')
      .exactOptional(),
  })
  .meta({ id: 'Layer' });

export const inspect = document('inspect', {
  name: z.string().describe('The image, as on the command line.'),
  digest: digest.describe('Digest of the index or manifest.'),
  mediaType: z.string().describe('Media type of the index or manifest.'),
  annotations: texts.describe('Annotations of the index or manifest.'),
  libraries: texts
    .describe('Versions of the libraries that made the model, where the lock of `--file` has its files.')
    .exactOptional(),
  platforms: z
    .array(
      z.strictObject({
        platform: z.string().describe('As in `linux/amd64`.'),
        digest: digest.describe('Digest of its manifest.'),
        user: z.string().describe('The user in its config.').exactOptional(),
        created: z.string().describe('The time in its config.').exactOptional(),
        layers: z.array(layerSchema).describe('Its layers, lowest first.'),
      }),
    )
    .describe("One entry per platform: the image's own description, unchecked."),
});

export const split = document('split', {
  models: z
    .array(
      z.strictObject({
        name: z.string().describe('Name in the catalog.'),
        catalog: z.string().describe('A models.yaml with only this model.'),
        lock: z.string().describe('A models.lock.yaml with only this model and its base.').exactOptional(),
        files: z.array(z.string()).describe("Globs over the catalog's folder: the files that it needs."),
        base: z
          .strictObject({
            catalog: z.string().describe('A models.yaml for `modelcars bases`.'),
            lock: z.string().describe('Its lock.').exactOptional(),
          })
          .describe('Only its base; absent for `embedded`.')
          .exactOptional(),
      }),
    )
    .describe('One entry per model.'),
});

export const version = document('version', {
  version: z.string().describe('Version of modelcars.'),
  node: z.string().describe('Version of Node.'),
  platform: z.string().describe('Operating system and architecture, as Node names them.'),
});
