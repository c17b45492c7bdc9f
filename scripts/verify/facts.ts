import type { Digest } from '../image/types.ts';
import type { LockedBase } from '../model/types.ts';
import type { Documents, LayerDescriptor, PlatformImage } from './documents.ts';
import type { LayerFacts } from './layer.ts';
import type { Member } from './tar.ts';
import { ContractViolation } from './violation.ts';

/** A file that the image must hold, from the lock. */
export interface ExpectedFile {
  /** Below /models, `/` as separator. */
  path: string;
  /** Bytes. */
  size: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
}

/** Files that the model server looks for: one of them has to match a glob of each. */
export interface ServedFiles {
  /** Globs (picomatch) over paths below /models. */
  anyOf: string[];
  /** Why, as a clause: "MLServer looks for no other name". */
  why: string;
}

/** What the image is compared with, besides the contract. */
export interface Expected {
  files: ExpectedFile[];
  /** Of the model's framework; without it no name is required. */
  served?: ServedFiles[] | undefined;
  /** Platform → manifest digest, as locked. */
  base?: LockedBase | undefined;
  /** Required platforms. */
  platforms?: string[] | undefined;
  /** Platform → digests of the base's layers, where its manifest could be read. */
  baseLayers?: Map<string, string[]> | undefined;
}

/** Everything read from an image. */
export interface Facts extends Documents {
  layers: Map<Digest, LayerFacts>;
}

/** A rule of the contract. `check` returns a sentence on what passed, or throws a ContractViolation. */
export type Rule<T> =
  | { name: string; check(image: T, expected: Expected): string }
  | { name: string; checkPlatform(image: T, platform: PlatformImage, expected: Expected): string };

/** A layer of a platform's image: its descriptor and what was read. */
export type Layer = LayerFacts & { descriptor: LayerDescriptor };

/** The layers of one platform's image in order. */
export function layersOf(image: Facts, { manifest, platform }: PlatformImage): Layer[] {
  return manifest.layers.map((descriptor) => {
    const facts = image.layers.get(descriptor.digest);
    if (facts === undefined)
      throw new ContractViolation('was not read', { platform, layer: descriptor.digest });
    return { ...facts, descriptor };
  });
}

/** The layers that touch /models, in order, of the first platform: rule `shared` ensures that all platforms have the same. */
export function modelLayers(image: Facts): Layer[] {
  const [first] = image.images;
  return first === undefined ? [] : layersOf(image, first).filter((layer) => layer.isModel);
}

/** Every member of every model layer, with its place, for violations. */
export function modelMembers(image: Facts): { member: Member; layer: Layer; where: MemberPlace }[] {
  const platform = image.images[0]?.platform;
  return modelLayers(image).flatMap((layer) =>
    layer.members.map((member) => ({
      member,
      layer,
      where: { platform, layer: layer.digest, member: member.name },
    })),
  );
}

/** Where a member is, for a ContractViolation. */
export interface MemberPlace {
  platform: string | undefined;
  layer: Digest;
  member: string;
}
