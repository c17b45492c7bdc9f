const page = 'https://github.com/modelcars/modelcars/blob/main/docs/reference/build-type.md';

/** The SLSA buildType of every image: docs/reference/build-type.md. A change of the meaning of a field is a new version. */
export const buildType = `${page}#version-1`;

/** The builder.id of a run without a known CI system. */
export const otherBuilders = {
  /** A person's machine: anyone with access to it could have changed the result. */
  laptop: `${page}#laptop`,
  /** $CI is set and nothing else: another CI system, or a container that its variables do not reach, as Dagger's. */
  unknown: `${page}#unknown`,
};
