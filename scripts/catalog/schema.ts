import { z } from 'zod';
import { uriExamples } from '../sources/index.ts';
import { list, plain } from '../text/format.ts';
import { checkClashes } from '../text/paths.ts';
import { didYouMean } from '../text/suggest.ts';
import { allowSchema } from './allow.ts';
import {
  annotationKey,
  baseName,
  cacheUri,
  complain,
  glob,
  licenses,
  listOf,
  modelName,
  oneLine,
  platform,
  recordOf,
  registryPrefix,
  sizeBytes,
  sizePattern,
  sourceUri,
  strict,
  tagName,
  targetName,
  text,
  versionText,
} from './fields.ts';
import { defaultServingSchema, servingSchema } from './serving.ts';
import { smokeSchema } from './smoke.ts';
import { trustSchema } from './trust.ts';

const compressions = ['none', 'gzip', 'zstd'] as const;

const badSize = ({ input }: { input?: unknown }) =>
  complain('a size such as `10GB`, `9GiB` or a whole number of bytes above 0', input);

const framework = text('the name of a folder in frameworks/', { most: 255 }).meta({
  examples: ['sklearn', 'xgboost', 'lightgbm'],
});

const aboutServing = 'How KServe serves the model: for `manifest` and `smoke`. Not part of the image.';

/** The fields that `defaults:` and a model share. */
const defaultable = {
  base: baseName
    .describe('Base image: `embedded` (built in, about 1.5 MB, needs no network) or an image reference.')
    .exactOptional(),
  platforms: listOf(platform, 'platforms, as in `[linux/amd64, linux/arm64]`')
    .min(1, { error: 'expected at least one platform' })
    .describe('Platforms of the image index. Model layers are shared; only the base differs.')
    .exactOptional(),
  compression: z
    .enum(compressions, {
      error: ({ input }) =>
        complain(`one of ${list(compressions, 'or')}`, input, didYouMean(input, compressions)),
    })
    .describe('How layers are stored. `none` suits weights: they hardly compress, and gzip slows every pull.')
    .exactOptional(),
  version: versionText
    .describe('Version of the image, semver with or without `v`. Its tag never moves.')
    .exactOptional(),
  tags: listOf(tagName, 'tags, as in `[stable]`')
    .describe('More tags to push, in addition to the version and the floating tags (v1.2, v1, latest).')
    .exactOptional(),
  floatingTags: z
    .boolean({ error: ({ input }) => complain('`true` or `false`', input) })
    .describe('Whether v1.2, v1 and latest follow the version. `false` where tags must never move.')
    .exactOptional(),
  include: listOf(glob, 'globs, as in `["*.json"]`')
    .describe("Globs over the source's paths that go into the image, instead of the framework's.")
    .exactOptional(),
  exclude: listOf(glob, 'globs, as in `["*.bin"]`')
    .describe("Globs over the source's paths that stay out, even when included.")
    .exactOptional(),
  maxLayerSize: z
    .union(
      [
        z.int({ error: badSize }).positive({ error: badSize }),
        z.string().regex(sizePattern, { error: badSize }),
      ],
      {
        error: badSize,
      },
    )
    .refine((size) => sizeBytes(size) !== undefined, {
      error: badSize,
    })
    .meta({ examples: ['10GB', '9GiB'] })
    .describe(
      'Largest layer: `10GB`, `9GiB` or bytes. By default the known limit of the registry, falling back to 10 GB.',
    )
    .exactOptional(),
  licenses: licenses
    .describe('SPDX licence expression; becomes org.opencontainers.image.licenses.')
    .exactOptional(),
  annotations: recordOf(
    annotationKey,
    text('a text', { most: 4096 }),
    'annotations, as in `{com.example.team: search}`',
  )
    .describe('More annotations of the image; those of a model are added to the defaults.')
    .exactOptional(),
  serving: defaultServingSchema.describe(aboutServing).exactOptional(),
  smoke: smokeSchema
    .describe('The request of its smoke test and the expected answer; `false`: none. Not part of the image.')
    .exactOptional(),
  allow: allowSchema
    .describe('What the check for unsafe files lets through; added to the defaults. Not part of the image.')
    .exactOptional(),
};

const registry = registryPrefix
  .describe("Where images are pushed: a host and an optional path. The model's name is added.")
  .exactOptional();

const imageKinds = ['model', 'loader'] as const;
const named = {
  name: modelName.describe("Name of the model, of its image and the last part of the image's repository."),
  title: oneLine('a title', 200)
    .describe('Human-readable; becomes org.opencontainers.image.title.')
    .exactOptional(),
  description: text('a description', { most: 4096 })
    .describe('Human-readable; becomes org.opencontainers.image.description.')
    .exactOptional(),
  registry,
};
const aModel = 'a model: a map with `name:`, `framework:` and `source:`';

/** An entry of `models:`. */
export const modelSchema = strict(aModel, {
  ...named,
  image: z.literal('model').describe('A model: the default.').exactOptional(),
  framework: framework
    .describe('How the model is served: a folder of frameworks/. Required unless `defaults:` has one.')
    .exactOptional(),
  source: sourceUri.describe(`Where the files come from: ${uriExamples}.`),
  files: recordOf(targetName, sourceUri, 'files, as in `{LICENSE: "file:LICENSE"}`')
    .superRefine((files, context) => {
      for (const { first, second, why } of checkClashes(Object.keys(files))) {
        const message = `\`${plain(first)}\` and \`${plain(second)}\` ${why}`;
        context.addIssue({ code: 'custom', path: [second], message, params: { key: true } });
      }
    })
    .describe('More files: path below /models → URI of a single file.')
    .exactOptional(),
  ...defaultable,
  serving: servingSchema.describe(aboutServing).exactOptional(),
});

const { base, platforms, compression, version, tags, floatingTags, annotations } = defaultable;

/** An entry that is modelcars itself; it has no model fields. */
export const loaderSchema = strict('a loader: a map with `name:` and `image: loader`', {
  ...named,
  image: z
    .literal('loader')
    .describe('modelcars itself, as a container that runs `modelcars cache`: for example an init container.'),
  base,
  platforms,
  compression,
  version,
  tags,
  floatingTags,
  annotations,
});

const entrySchema = z.discriminatedUnion('image', [modelSchema, loaderSchema], {
  error: ({ code, input }) => {
    if (code !== 'invalid_union') return complain(aModel, input);
    const image = (input as { image?: unknown }).image;
    return complain(`one of ${list(imageKinds, 'or')}`, image, didYouMean(image, imageKinds));
  },
});

export const defaultsSchema = strict('a map of defaults', {
  framework: framework.describe('Framework of every model without its own.').exactOptional(),
  ...defaultable,
}).describe('Defaults for all models.');

/** models.yaml. Checks only; defaults are applied by `toModel`. */
export const catalogSchema = strict('a map with `models:`', {
  registry,
  version: versionText.describe('Version of every model without its own.').exactOptional(),
  mirrors: recordOf(registryPrefix, registryPrefix, 'mirrors, as in `{quay.io: mirror.example.com/quay}`')
    .describe('Registry prefix → what to pull base images from instead; the longest prefix wins.')
    .exactOptional(),
  cache: cacheUri
    .describe(
      'S3 bucket and prefix that hub models are read from, after `modelcars cache` has copied them there.',
    )
    .exactOptional(),
  allowLicenses: listOf(licenses, 'SPDX licences, as in `[Apache-2.0, MIT]`')
    .min(1, { error: 'expected at least one licence' })
    .describe('The only licences that models can have, in SPDX: any other, or none, is an error.')
    .exactOptional(),
  trust: trustSchema
    .describe(
      'Who signs the images: for `verify`, `promote`, `policy` and a push that reuses earlier layers.',
    )
    .exactOptional(),
  defaults: defaultsSchema.exactOptional(),
  // None yet is a valid start for `modelcars add`; `loadCatalog` rejects it for all other commands.
  models: listOf(entrySchema, 'models, each starting with `- name:`').describe('What to build.'),
});

export type CatalogInput = z.infer<typeof catalogSchema>;
export type ModelInput = z.infer<typeof entrySchema>;
