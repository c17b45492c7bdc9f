import type { SemVer } from 'semver';
import coerce from 'semver/functions/coerce.js';
import compare from 'semver/functions/compare.js';
import parse from 'semver/functions/parse.js';
import { ModelcarsError } from '../errors.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { isTag } from './reference.ts';

/** The plan for one tag. */
export interface TagMove {
  tag: string;
  /** A `version` never moves, a `floating` one only forward, an `extra` one as requested. */
  kind: 'version' | 'floating' | 'extra';
  /** Whether to point the tag at the image being pushed. */
  move: boolean;
  /** The reason, for display: "v1.2.9 is newer". */
  why: string;
  /** For a floating tag: the tag of the newest release in its line, which may be this one. */
  newest?: string;
}

export interface TagRequest {
  /** `v1.2.3` or `1.2.3`, optionally with a pre-release; floating tags keep its form. */
  version?: string;
  /** Additional tags; one that is a full version is as immutable as `version`. */
  extra: string[];
  /** All tags that the repository has. */
  existing: readonly string[];
  /** Whether `v1.2`, `v1` and `latest` follow the version; true by default. */
  floating?: boolean;
}

interface Version {
  tag: string;
  prefix: 'v' | '';
  semver: SemVer;
}

/**
 * Plans the tags of a push. `v1.2.3` sets `v1.2.3` and moves `v1.2`, `v1` and `latest`, each only when its line has no
 * newer release. `v1.2` and `v1` consider tags of the same form (with or without `v`), `latest` both forms; of two
 * forms of one version, the one with `v` wins. So pushes in any order end with the same tags. A pre-release sets only
 * its own tag. Fails with a `usage` error on an invalid version or tag.
 */
export function planTags(request: TagRequest): TagMove[] {
  const plan = new Map<string, TagMove>();
  const add = (move: TagMove) => plan.has(move.tag) || plan.set(move.tag, move);
  if (request.version !== undefined) {
    const version = readVersion(request.version);
    add(versionMove(version.tag, request.existing));
    if (request.floating ?? true) for (const move of floatingMoves(version, request.existing)) add(move);
  }
  for (const tag of request.extra) {
    if (!isTag(tag)) throw tagError(tag);
    const isVersion = parseVersion(tag) !== undefined;
    add(
      isVersion ? versionMove(tag, request.existing) : { tag, kind: 'extra', move: true, why: 'asked for' },
    );
  }
  return [...plan.values()];
}

/**
 * Refuses to move a version tag. True when the tag already has this digest (nothing to do), false when it does not
 * exist. Fails with a `tag` error that shows both digests when it points at another image.
 */
export async function checkImmutable(
  repository: { readonly name: string; resolve(name: string): Promise<Descriptor | undefined> },
  tag: string,
  digest: Digest,
): Promise<boolean> {
  const present = await repository.resolve(tag);
  if (present === undefined) return false;
  if (present.digest === digest) return true;
  throw new ModelcarsError(
    'tag',
    `push ${repository.name}:${tag}: the tag is ${present.digest}, this image is ${digest}, and a version tag never moves`,
    { next: 'choose a new version' },
  );
}

/** The newest version among tags: a release, or a pre-release where there is no release. Undefined without versions. */
export function newestVersion(tags: readonly string[]): string | undefined {
  const versions = tags.map(parseVersion).filter((one) => one !== undefined);
  const releases = versions.filter(({ semver }) => semver.prerelease.length === 0);
  const [first, ...rest] = releases.length > 0 ? releases : versions;
  return first && rest.reduce((best, other) => (precedes(best, other) ? other : best), first).tag;
}

/** Whether a tag is a full version, such as `v1.2.3`: one that never moves. */
export function isVersionTag(tag: string): boolean {
  return parseVersion(tag) !== undefined;
}

/** The newest release among the tags that is older than a version; undefined when there is none. Of two forms, `v1.2.3`. */
export function releaseBefore(version: string, tags: readonly string[]): string | undefined {
  const own = readVersion(version);
  const older = tags
    .map(parseVersion)
    .filter((one) => one !== undefined)
    .filter(({ semver }) => semver.prerelease.length === 0 && compare(semver, own.semver) < 0);
  return older.reduce<Version | undefined>(
    (best, one) => (best && precedes(one, best) ? best : one),
    undefined,
  )?.tag;
}

function versionMove(tag: string, existing: readonly string[]): TagMove {
  return existing.includes(tag)
    ? { tag, kind: 'version', move: false, why: 'it is there, and a version tag never moves' }
    : { tag, kind: 'version', move: true, why: 'a new version' };
}

function floatingMoves(version: Version, existing: readonly string[]): TagMove[] {
  const { major, minor, prerelease } = version.semver;
  if (prerelease.length > 0) return [];
  const releases = existing
    .map(parseVersion)
    .filter((other) => other !== undefined && other.semver.prerelease.length === 0) as Version[];
  const sameForm = releases.filter((other) => other.prefix === version.prefix);
  const sameMajor = sameForm.filter((other) => other.semver.major === major);
  const sameMinor = sameMajor.filter((other) => other.semver.minor === minor);
  return [
    floating(`${version.prefix}${major}.${minor}`, version, sameMinor),
    floating(`${version.prefix}${major}`, version, sameMajor),
    floating('latest', version, releases),
  ];
}

function floating(tag: string, version: Version, line: Version[]): TagMove {
  const newest = line.reduce((best, other) => (precedes(best, other) ? other : best), version);
  return newest === version
    ? { tag, kind: 'floating', move: true, why: `${version.tag} is the newest release`, newest: newest.tag }
    : { tag, kind: 'floating', move: false, why: `${newest.tag} is newer`, newest: newest.tag };
}

/**
 * Compares the release that an image names (`named`, its org.opencontainers.image.version) with `version` in the line
 * of a floating tag: `newer`, `same` or `older`. Undefined when `named` is no release of that line: missing, a
 * pre-release, another major.
 */
export function standing(
  tag: string,
  version: string,
  named: string | undefined,
): 'newer' | 'same' | 'older' | undefined {
  const [ours, theirs] = [parseVersion(version)?.semver, parseVersion(named ?? '')?.semver];
  if (!ours || !theirs || theirs.prerelease.length > 0) return undefined;
  const line = tag === 'latest' ? [] : tag.replace(/^v/, '').split('.').map(Number);
  if ([theirs.major, theirs.minor].some((part, at) => line[at] !== undefined && line[at] !== part))
    return undefined;
  const order = compare(theirs, ours);
  return order > 0 ? 'newer' : order < 0 ? 'older' : 'same';
}

function precedes(a: Version, b: Version): boolean {
  const order = compare(a.semver, b.semver);
  return order < 0 || (order === 0 && a.prefix < b.prefix);
}

/** Parses a tag that is a full version; undefined for all others, such as floating tags (`v1.2`) and `latest`. */
function parseVersion(tag: string): Version | undefined {
  const prefix = tag.startsWith('v') ? 'v' : '';
  const text = tag.slice(prefix.length);
  const version = /^\d/.test(text) && isTag(tag) ? parse(text) : null;
  return version === null ? undefined : { tag, prefix, semver: version };
}

function readVersion(text: string): Version {
  const version = parseVersion(text);
  if (version !== undefined) return version;
  if (text.includes('+')) {
    throw new ModelcarsError(
      'usage',
      `read version ${JSON.stringify(text)}: a tag cannot hold \`+\`, so no build metadata`,
      {
        next: `write \`${text.split('+')[0]}\`, or a pre-release such as \`${text.replaceAll('+', '-')}\``,
      },
    );
  }
  const loose = coerce(text);
  throw new ModelcarsError(
    'usage',
    `read version ${JSON.stringify(text)}: it is not MAJOR.MINOR.PATCH (semver.org)`,
    {
      next: loose ? `write \`v${loose.version}\`` : 'write a version such as `v1.0.0`',
    },
  );
}

function tagError(tag: string): ModelcarsError {
  return new ModelcarsError(
    'usage',
    `read tag ${JSON.stringify(tag)}: it is not 1 to 128 letters, digits, \`_\`, \`.\` and \`-\``,
    {
      next: 'start a tag with a letter, a digit or `_`',
    },
  );
}
