import { frameworkName, isModel, sourceName } from '../../model/catalog-entry.ts';
import type { LockedFile } from '../../model/types.ts';
import { kindOf } from '../../sources/index.ts';
import { buildType } from './build-type.ts';
import { builderOf, type Environment } from './builder.ts';
import { imagePurl } from './purl.ts';
import type { Statement } from './statement.ts';
import { hexOf, subjectsOf } from './subjects.ts';
import type { AttestedCatalog, AttestedImage, AttestedPlatform } from './types.ts';

/** A ResourceDescriptor of in-toto (spec/v1/resource_descriptor.md), as far as statements use it. */
interface Resource {
  name?: string;
  uri?: string;
  digest: { sha256: string } | { gitCommit: string };
  annotations?: Record<string, unknown>;
}

/**
 * The SLSA provenance (slsa.dev/spec/v1.0/provenance) of an image: docs/reference/build-type.md describes its fields.
 * `env` names the builder and its run. Without an invocation of CI, the same image and commit give the same statement.
 * No SLSA level is claimed: what a builder is worth depends on who signs, and where.
 */
export function provenanceOf(image: AttestedImage, env: Environment): Statement {
  const { id, invocationId } = builderOf(env);
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjectsOf(image),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: externalParameters(image),
        internalParameters: { sourceDateEpoch: image.epoch },
        resolvedDependencies: [
          ...catalogResources(image.catalog),
          ...image.files.map((file) => fileResource(image, file.locked)),
          ...image.image.platforms.map(baseResource),
        ],
      },
      runDetails: {
        builder: { id, version: { modelcars: image.program } },
        ...(invocationId !== undefined && { metadata: { invocationId } }),
      },
    },
  };
}

/** The caller's choices: the fields of the model that change its image, with defaults applied. */
function externalParameters({ model, catalog }: AttestedImage): object {
  const { name, version, base, platforms, compression, title, description, annotations } = model;
  return {
    catalog: catalog.file.path,
    model: {
      name,
      ...(version !== undefined && { version }),
      framework: frameworkName(model),
      source: sourceName(model),
      ...(isModel(model) && {
        ...(Object.keys(model.files).length > 0 && { files: sorted(model.files) }),
        ...(model.include.length > 0 && { include: model.include }),
        ...(model.exclude.length > 0 && { exclude: model.exclude }),
        ...(model.licenses !== undefined && { licenses: model.licenses }),
      }),
      base,
      platforms,
      compression,
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description }),
      ...(Object.keys(annotations).length > 0 && { annotations: sorted(annotations) }),
    },
  };
}

function catalogResources({ file, lock, repository }: AttestedCatalog): Resource[] {
  const files = [file, ...(lock ? [lock] : [])].map(({ path, sha256 }) => ({
    name: path,
    digest: { sha256 },
  }));
  if (repository === undefined) return files;
  const { uri, commit, dirty } = repository;
  const annotations = { uncommittedChanges: dirty };
  return [{ ...(uri !== undefined && { uri }), digest: { gitCommit: commit }, annotations }, ...files];
}

/** A locked file: its path in the source, and the source's URI at the revision (of the file, where a kind has that). */
function fileResource(
  { model, locked, program }: AttestedImage,
  { path, sha256, source, revision }: LockedFile,
): Resource {
  // A loader's source is the folder where modelcars is installed.
  if (!isModel(model)) return { name: path, uri: `pkg:npm/modelcars@${program}`, digest: { sha256 } };
  const uri = source ?? locked.source;
  const kind = kindOf(uri);
  const pinned = source === undefined ? locked.revision : revision;
  const at = pinned === undefined ? uri : (kind?.at?.(uri, pinned) ?? uri);
  // Of other kinds, the text does not show whether a URI names one file or the folder of all.
  const exact = kind?.at === undefined || source !== undefined ? at : (kind.fileUri?.(at, path, {}) ?? at);
  return { name: path, uri: exact, digest: { sha256 } };
}

function baseResource({ platform, base: { reference, digest } }: AttestedPlatform): Resource {
  const [, architecture] = platform.split('/');
  const uri = reference === 'embedded' ? 'modelcars:embedded' : imagePurl(reference, digest, architecture);
  return { name: `base image (${platform})`, uri, digest: { sha256: hexOf(digest) } };
}

function sorted(record: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
