import { DEFAULT_FULCIO_URL, DEFAULT_REKOR_URL } from '@sigstore/sign';
import { ModelcarsError } from '../../errors.ts';
import { displayPath } from '../../text/paths.ts';
import { readSmallFile } from '../read-file.ts';
import type { SigningOptions } from './options.ts';

/** The Sigstore services that a run uses. */
export interface SigstoreServices {
  /** Certificate authority; absent with a key. */
  fulcio?: string;
  /** Transparency log; absent: no entry is made. */
  rekor?: { url: string; majorApiVersion: number };
  /** Timestamp authority (RFC 3161); absent: none is asked. */
  timestamps?: string;
}

/**
 * The services by options and signing configuration, in this order. The public Sigstore serves identities when nothing
 * names a service: never a part of a private one, which would send tokens or the names of images to the public. Keys use
 * no log unless one is given. Fails with code `trust` or `usage`.
 */
export async function chooseServices(options: SigningOptions): Promise<SigstoreServices> {
  const { key, signingConfig, fulcioUrl, rekorUrl, timestampUrl } = options;
  const named = [signingConfig, fulcioUrl, rekorUrl, timestampUrl].some((one) => one !== undefined);
  if (!named)
    return key === undefined
      ? { fulcio: DEFAULT_FULCIO_URL, rekor: { url: DEFAULT_REKOR_URL, majorApiVersion: 1 } }
      : {};
  const configured = signingConfig === undefined ? {} : await readConfig(signingConfig);
  const fulcio = fulcioUrl ?? configured.fulcio;
  const rekor = rekorUrl === undefined ? configured.rekor : { url: rekorUrl, majorApiVersion: 1 };
  const timestamps = timestampUrl ?? configured.timestamps;
  if (key === undefined && fulcio === undefined)
    throw missing('no certificate authority is given', 'pass --fulcio-url too, or sign by --key');
  if (key === undefined && rekor === undefined && timestamps === undefined)
    throw missing(
      'a certificate is valid for minutes, and nothing proves the time of the signature',
      'pass --rekor-url or --timestamp-url too',
    );
  return {
    ...(fulcio !== undefined && { fulcio }),
    ...(rekor !== undefined && { rekor }),
    ...(timestamps !== undefined && { timestamps }),
  };
}

function missing(problem: string, next: string): ModelcarsError {
  return new ModelcarsError('usage', `sign: ${problem}`, { next });
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
