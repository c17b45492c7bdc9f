import type { Descriptor, Digest } from '../../image/types.ts';
import type { CatalogEntry, LockedFile, LockedModel } from '../../model/types.ts';

/** What is known of an image that statements are about. */
export interface AttestedImage {
  model: CatalogEntry;
  /** The model's entry in the lock; for a loader, the program's files. */
  locked: LockedModel;
  /** Its files, in the order of the lock. */
  files: AttestedModelFile[];
  image: {
    /** The repository, `quay.io/me/iris`; the model's name for an image that no registry has. */
    name: string;
    index: Descriptor;
    /** In the index's order. */
    platforms: AttestedPlatform[];
  };
  /** Seconds since 1970 of every file and date in the image: SOURCE_DATE_EPOCH, or 0. */
  epoch: number;
  catalog: AttestedCatalog;
  /** The version of modelcars. */
  program: string;
}

/** A locked file in the image. */
export interface AttestedModelFile {
  /** Path in the image, without a leading `/`: `models/model.joblib`. */
  path: string;
  locked: LockedFile;
}

/** One platform's image. */
export interface AttestedPlatform {
  /** `linux/amd64`. */
  platform: string;
  manifest: Descriptor;
  /** `reference` as in models.yaml: `embedded` or an image reference; the digest is that of the platform's manifest. */
  base: { reference: string; digest: Digest };
}

/** The files that define the image, and the repository that holds them. */
export interface AttestedCatalog {
  file: AttestedFile;
  /** Absent when the image was built without a lock. */
  lock?: AttestedFile;
  /** Absent outside a git repository with a commit. */
  repository?: AttestedRepository;
}

/** A local file. */
export interface AttestedFile {
  /** Below the repository's root, `/` as separator; without a repository, the file's name. */
  path: string;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
}

/** A git repository at one commit. */
export interface AttestedRepository {
  /** `git+https://github.com/me/models`, without user and password; absent without a remote on another machine. */
  uri?: string;
  /** A commit's name: 40 or 64 hexadecimal digits. */
  commit: string;
  /** Whether a tracked file differs from the commit, or the commit lacks the catalog or its lock. */
  dirty: boolean;
}
