import { z } from 'zod';
import { type Documents, type PlatformImage, platformKey } from '../documents.ts';
import { type Expected, type Facts, layersOf } from '../facts.ts';
import { modelsRoot } from '../paths.ts';
import { ContractViolation, count, short, shown } from '../violation.ts';

/** The rules about an image's annotations and labels. */

const prefix = 'org.opencontainers.image';
/** Required on the index and on manifests. */
const needed = ['title', 'revision', 'created', 'base.name'].map((key) => `${prefix}.${key}`);
const baseDigest = `${prefix}.base.digest`;
/** A model layer's files, as JSON. */
const filesKey = 'dev.modelcars.layer.files';
const files = z.array(z.object({ path: z.string(), size: z.number(), sha256: z.string() }));

/** Index, manifests and labels name the image, its revision and its base, and agree (image-spec annotations.md). */
export function annotations({ index, images }: Documents): string {
  const common = index.annotations ?? {};
  for (const key of needed)
    if (!common[key]) throw new ContractViolation(`the index has no annotation ${key}`);
  for (const { platform, manifest, config } of images) {
    const own = manifest.annotations ?? {};
    for (const key of [...needed, baseDigest])
      if (!own[key]) throw new ContractViolation(`its manifest has no annotation ${key}`, { platform });
    for (const [key, value] of Object.entries(common))
      if (own[key] !== undefined && own[key] !== value && key !== baseDigest)
        throw new ContractViolation(
          `${shown(key)} is ${shown(own[key])} in its manifest, ${shown(value)} in the index`,
          {
            platform,
          },
        );
    for (const [key, value] of Object.entries(config.config?.Labels ?? {}))
      if (own[key] !== undefined && own[key] !== value)
        throw new ContractViolation(
          `the label ${shown(key)} is ${shown(value)}, the annotation ${shown(own[key])}`,
          {
            platform,
          },
        );
    const created = own[`${prefix}.created`] ?? '';
    if (created !== config.created)
      throw new ContractViolation(
        `annotated as created ${shown(created)}, its config has ${config.created}`,
        {
          platform,
        },
      );
  }
  return `title, revision, created, base: annotated on the index and ${count(images.length, 'manifest')}, all the same`;
}

/** The base is the one pinned in the lock: its digest and, if its manifest could be read, its layers at the bottom. */
export function base(_image: Facts | Documents, image: PlatformImage, expected: Expected): string {
  const { platform, manifest } = image;
  const said = manifest.annotations?.[baseDigest] ?? '';
  if (!/^sha256:[0-9a-f]{64}$/.test(said))
    throw new ContractViolation(`${baseDigest} is ${JSON.stringify(shown(said))}, not a digest`, {
      platform,
    });
  if (expected.base === undefined) return `base ${short(said)} (not compared with a lock)`;
  const [, pinned] =
    Object.entries(expected.base).find(([key]) => platformKey(key) === platformKey(platform)) ?? [];
  const next = 'build the image again, or run `modelcars lock --upgrade` to pin the base it should have';
  if (pinned === undefined)
    throw new ContractViolation('the lock pins no base for the platform', { platform }, next);
  if (said !== pinned)
    throw new ContractViolation(`its base is ${said}, the lock pins ${pinned}`, { platform }, next);
  const layers = expected.baseLayers?.get(platform);
  if (layers === undefined) return `base ${short(said)} as locked (its layers were not compared)`;
  layers.forEach((digest, at) => {
    const own = manifest.layers[at]?.digest;
    if (own !== digest)
      throw new ContractViolation(
        `layer ${at + 1} is ${own ?? 'missing'}, that of the locked base is ${digest}`,
        { platform },
        next,
      );
  });
  return `base ${short(said)} as locked, its ${count(layers.length, 'layer')} below the model's`;
}

/** A layer's annotations list its files correctly: tools display and choose layers by them. */
export function layerAnnotations(image: Facts): string {
  let told = 0;
  for (const platformImage of image.images) {
    for (const { descriptor, members, isModel } of layersOf(image, platformImage)) {
      const where = { platform: platformImage.platform, layer: descriptor.digest };
      const own = members.filter((member) => isModel && member.type === 'file');
      const listed = descriptor.annotations?.[filesKey];
      if (listed !== undefined) {
        const truth = own.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
        const said = parseFiles(listed);
        if (said === undefined)
          throw new ContractViolation(`${filesKey} is not a valid list of files`, where);
        const wrong = firstDifference(said, truth);
        if (wrong !== undefined)
          throw new ContractViolation(`${filesKey} is wrong about ${shown(wrong)}`, where);
        told++;
      }
      const title = descriptor.annotations?.[`${prefix}.title`];
      if (title === undefined || !isModel) continue;
      const [only, ...others] = own;
      if (others.length > 0 || only?.path !== `${modelsRoot}/${title}`)
        throw new ContractViolation(
          `its title is ${shown(title)}, its files are ${own.map(({ path }) => shown(path)).join(', ')}`,
          where,
        );
    }
  }
  return `${count(told, 'list')} of files on layers, each true`;
}

function parseFiles(text: string): z.infer<typeof files> | undefined {
  try {
    return files.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The path of the first file that differs between the two lists. */
function firstDifference(
  said: z.infer<typeof files>,
  truth: { path: string; size: number; sha256: string | undefined }[],
): string | undefined {
  const rest = new Map(truth.map((file) => [file.path, file]));
  for (const { path, size, sha256 } of said) {
    const file = rest.get(path);
    if (file?.size !== size || file.sha256 !== sha256) return path;
    rest.delete(path);
  }
  return rest.keys().next().value;
}
