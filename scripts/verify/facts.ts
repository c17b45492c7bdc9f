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

/** Files that the model server looks for: for each, a path in the image has to match one of its globs. */
export interface ServedFiles {
  /** Globs (picomatch) over paths below /models. */
  anyOf: string[];
  /** The reason, as a clause: "MLServer looks for no other name". */
  why: string;
}

/** What to compare the image with, besides the contract. */
export interface Expected {
  /** Without them any files are accepted. */
  files: ExpectedFile[] | undefined;
  /** Those of the model's framework; without them no name is required. */
  served?: ServedFiles[] | undefined;
  /** Platform → manifest digest, as locked. */
  base?: LockedBase | undefined;
  /** Required platforms. */
  platforms?: string[] | undefined;
  /** Platform → digests of the base's layers, for platforms whose manifest could be read. */
  baseLayers?: Map<string, string[]> | undefined;
}

/** Everything read from an image. */
export interface Facts extends Documents {
  layers: Map<Digest, LayerFacts>;
}

/** A rule of the contract. `check` returns a sentence about what passed, or throws a ContractViolation. */
export type Rule<T> =
  | { name: string; check(image: T, expected: Expected): string }
  | { name: string; checkPlatform(image: T, platform: PlatformImage, expected: Expected): string };

/** A layer of a platform's image: its descriptor and the facts read from its bytes. */
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

/**
 * The layers that touch /models, in order, of the first platform: rule `shared` ensures that they are the same on all.
 */
export function modelLayers(image: Facts): Layer[] {
  const [first] = image.images;
  return first === undefined ? [] : layersOf(image, first).filter((layer) => layer.isModel);
}

/** Every member of every model layer, with its location for violations. */
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

/** The location of a member, for a ContractViolation. */
export interface MemberPlace {
  platform: string | undefined;
  layer: Digest;
  member: string;
}
