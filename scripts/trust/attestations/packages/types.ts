/** A package of a base image. */
export interface Package {
  name: string;
  /** Absent for a Go module that was built from a checkout. */
  version?: string;
  purl: string;
  /** As the package's own record states it; not necessarily an SPDX expression. */
  licence?: string;
}

/** The distribution of a base image, from its os-release (os-release(5)). */
export interface Distribution {
  /** `rhel`, `alpine`, `debian`. */
  id: string;
  /** `10.0`; absent for a rolling distribution. */
  version?: string;
  /** For people: `Red Hat Enterprise Linux 10.0 (Coughlan)`. */
  name?: string;
}

/** What was found out of one base image. */
export interface Software {
  distribution?: Distribution;
  /** Sorted by purl, without duplicates. */
  packages: Package[];
  /** The records that were read: `rpm database`. */
  read: string[];
  /** Records that exist and could not be read, with the reason. */
  unread: string[];
}

/** The package records of an image: path → content, without a leading `/`. */
export type Records = ReadonlyMap<string, Uint8Array>;
