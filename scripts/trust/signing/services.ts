import { DEFAULT_FULCIO_URL, DEFAULT_REKOR_URL } from '@sigstore/sign';
import { ModelcarsError } from '../../errors.ts';
import { displayPath } from '../../text/paths.ts';
import { readSmallFile } from '../read-file.ts';
import type { SigningOptions } from './options.ts';

/** The Sigstore services that a run uses. */
export interface SigstoreServices {
  /** Certificate authority; unused with a key. */
  fulcio: string;
  /** Transparency log; absent: no entry is made. */
  rekor?: { url: string; majorApiVersion: number };
  /** Timestamp authority (RFC 3161); absent: none is asked. */
  timestamps?: string;
}

/**
 * The services by options, signing configuration and defaults, in this order. Identities use the public Sigstore by
 * default; keys use no log unless one is given, because entries of the public log name the images to everyone.
 */
export async function chooseServices(options: SigningOptions): Promise<SigstoreServices> {
  const configured = options.signingConfig === undefined ? {} : await readConfig(options.signingConfig);
  const byDefault =
    options.key === undefined && options.signingConfig === undefined && options.timestampUrl === undefined;
  const rekor =
    options.rekorUrl !== undefined
      ? { url: options.rekorUrl, majorApiVersion: 1 }
      : (configured.rekor ?? (byDefault ? { url: DEFAULT_REKOR_URL, majorApiVersion: 1 } : undefined));
  const timestamps = options.timestampUrl ?? configured.timestamps;
  return {
    fulcio: options.fulcioUrl ?? configured.fulcio ?? DEFAULT_FULCIO_URL,
    ...(rekor !== undefined && { rekor }),
    ...(timestamps !== undefined && { timestamps }),
  };
}

/** The newest valid service of each kind in a signing configuration (protobuf-specs, sigstore_trustroot.proto). */
async function readConfig(path: string): Promise<Partial<SigstoreServices>> {
  const next =
    'pass the signing configuration of your Sigstore, such as that of `cosign signing-config create`';
  const text = await readSmallFile(path, 'signing configuration', next);
  const { SigningConfig } = await import('@sigstore/protobuf-specs');
  type Service = ReturnType<typeof SigningConfig.fromJSON>['caUrls'][number];
  const newest = (services: readonly Service[], mostVersion: number): Service | undefined => {
    const now = new Date();
    const valid = services.filter(
      ({ validFor, majorApiVersion }) =>
        majorApiVersion <= mostVersion && (validFor?.end === undefined || validFor.end >= now),
    );
    const start = ({ validFor }: Service) => validFor?.start?.getTime() ?? 0;
    return valid.sort((one, other) => start(other) - start(one))[0];
  };
  let config: ReturnType<typeof SigningConfig.fromJSON>;
  try {
    config = SigningConfig.fromJSON(JSON.parse(text));
  } catch (cause) {
    throw new ModelcarsError('trust', `read signing configuration ${displayPath(path)}: it is malformed`, {
      next,
      cause,
    });
  }
  const authority = newest(config.caUrls, 1);
  const log = newest(config.rekorTlogUrls, 2);
  const timestamps = newest(config.tsaUrls, 1);
  return {
    ...(authority && { fulcio: authority.url }),
    ...(log && { rekor: { url: log.url, majorApiVersion: log.majorApiVersion } }),
    ...(timestamps && { timestamps: timestamps.url }),
  };
}
