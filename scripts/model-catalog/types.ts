/** What the catalog's pages say of a model. Every text is of foreign origin until it is rendered by html.ts. */

/** What is known of an image's signatures and attestations. */
export type SignatureState =
  /** The registry was not asked. */
  | { state: 'unexamined' }
  | { state: 'unsigned' }
  /** Signatures are attached, and the catalog does not say who signs: nothing was verified. */
  | { state: 'unverified' }
  /** The index and every platform's manifest are signed by a signer that `trust:` names. */
  | { state: 'verified'; by: string[] }
  /** No signer that `trust:` names signed all of it. */
  | { state: 'untrusted' };

/** A statement that is attached to an image. */
export interface Attestation {
  /** in-toto's predicate type, a URI. */
  predicateType: string;
  /** The trusted signer; absent for a statement that was not verified. */
  by?: string;
}

/** A tag of the model's repository. */
export interface PublishedVersion {
  tag: string;
  digest: string;
}

/** A model's image, as far as it is known. */
export interface CatalogImage {
  /** Repository without tag, `quay.io/me/iris`; absent without a registry. */
  repository?: string;
  /** The tag that the catalog gives it. */
  tag: string;
  /** Digest of the image index; absent when neither registry, layout nor lock know it. */
  digest?: string;
  /** Whether the registry has it; absent when the registry was not asked. */
  isPushed?: boolean;
  /** Bytes of one platform's layers, base included, as stored. */
  size?: number;
  /** Whether the image was made from another revision than the lock names. */
  isOutdated: boolean;
  /** `linux/amd64`. */
  platforms: string[];
  base: string;
  signature: SignatureState;
  attestations: Attestation[];
  /** Versions in the registry, newest first, and how many more it has. */
  versions: PublishedVersion[];
  moreVersions: number;
}

/** The text of a README.md, or why it is not shown. */
export type ModelCard =
  /** `text` is Markdown without front matter; `isCut` when the end is left out. */
  { state: 'shown'; text: string; isCut: boolean } | { state: 'none' } | { state: 'unread' };

/** One model of the catalog. */
export interface CatalogModel {
  /** A DNS-1123 label: safe as a file name. */
  name: string;
  title: string;
  description?: string;
  framework: string;
  /** The hub's name of it, `text-generation`. */
  task?: string;
  /** An SPDX expression. */
  licence?: string;
  licenceLink?: string;
  version?: string;
  source: {
    /** The URI; absent for local files, whose path means nothing on another machine. */
    uri?: string;
    /** The hub's page of it. */
    page?: string;
    /** Organisation or user on the hub. */
    owner?: string;
    revision?: string;
  };
  /** Locked files; absent for a model that is not locked. */
  files?: { count: number; size: number };
  /** The library that it was made for, as the hub names it. */
  library?: string;
  /** Versions of the libraries that made it. */
  libraries: Record<string, string>;
  baseModels: string[];
  datasets: string[];
  /** Codes or names of natural languages. */
  languages: string[];
  image: CatalogImage;
  /** YAML of the InferenceService; absent while image or digest is unknown. */
  manifest?: string;
  card: ModelCard;
}

/** All that the pages are made of. */
export interface ModelCatalog {
  title: string;
  /** In the order of the index. */
  models: CatalogModel[];
}

/** A site for people, or the files of Open Data Hub's catalog. */
export type CatalogFormat = 'html' | 'odh';

/** A file of the site. */
export interface SiteFile {
  /** Relative, `/` as separator. */
  path: string;
  text: string;
}
