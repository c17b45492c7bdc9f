import { z } from 'zod';
import { bytes, checkSchema, count, digest, document } from './parts.ts';

/** The documents of the commands that read the files of images. */

const fileSchema = z
  .strictObject({
    path: z.string().describe('Below the folder.'),
    size: bytes.describe('Bytes.'),
    sha256: z.string().describe('64 hexadecimal digits.'),
  })
  .meta({ id: 'PulledFile' });

export const pull = document('pull', {
  status: z
    .enum(['done', 'unchanged'])
    .describe('`unchanged`: the folder had exactly these files already, and none was read.'),
  name: z.string().describe('The image, with its registry if it has one.'),
  digest: digest.describe('Digest of its index or manifest.'),
  folder: z.string().describe('Absolute path.'),
  files: z.array(fileSchema).describe('The files in the folder.'),
  size: bytes.describe('Bytes of all files.'),
  received: bytes.describe('Bytes of layers that this run read from the registry or layout.'),
  resumed: bytes.describe('Bytes of layers that an earlier, stopped run had read.'),
  checks: z.array(checkSchema).describe('What was verified.'),
});

const sideSchema = z
  .strictObject({
    name: z.string().describe('The image, with its registry if it has one.'),
    digest: digest.describe('Digest of its index or manifest.'),
  })
  .meta({ id: 'ComparedImage' });

const textSchema = z
  .strictObject({
    key: z.string().describe('The annotation, the platform, or platform and field of the config.'),
    from: z.string().describe('In the first image; absent if it has none.').exactOptional(),
    to: z.string().describe('In the second; absent if it has none.').exactOptional(),
  })
  .meta({ id: 'TextChange' });

export const diff = document('diff', {
  from: sideSchema.describe('The first image.'),
  to: sideSchema.describe('The second.'),
  equal: z.boolean().describe('Whether nothing below differs; digests may.'),
  summary: z.string().describe('What changed, in one line for people.'),
  files: z
    .array(
      z.strictObject({
        path: z.string().describe('Below /models.'),
        kind: z
          .enum(['weights', 'tokenizer', 'documentation', 'code', 'configuration', 'other'])
          .describe('What it is for, by its name.'),
        change: z
          .enum(['added', 'removed', 'changed', 'unknown'])
          .describe('`unknown`: of the same size, and its layers do not list SHA-256; see `--read-layers`.'),
        from: bytes.describe('Bytes in the first image.').exactOptional(),
        to: bytes.describe('Bytes in the second.').exactOptional(),
      }),
    )
    .describe('The files that differ, or may.'),
  sameFiles: count.describe('Number of files that are the same.'),
  size: z
    .strictObject({ from: bytes.describe('In the first image.'), to: bytes.describe('In the second.') })
    .describe('Bytes of all files.'),
  unread: z
    .array(z.strictObject({ digest: digest.describe('Its digest.'), size: bytes.describe('Bytes.') }))
    .describe('Compressed layers that do not list their files and are not in both images.'),
  base: z
    .array(textSchema)
    .describe(
      'Platforms whose layers below the model differ, with name and digest of the bases as annotated.',
    ),
  platforms: z
    .strictObject({
      added: z.array(z.string()).describe('Only in the second image.'),
      removed: z.array(z.string()).describe('Only in the first.'),
    })
    .describe('As in `linux/amd64`.'),
  config: z.array(textSchema).describe('Fields of configs that differ, as JSON.'),
  annotations: z.array(textSchema).describe('Annotations that differ.'),
});
