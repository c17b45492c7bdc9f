import { createPublicKey } from 'node:crypto';
import { bundleToJSON } from '@sigstore/bundle';
import {
  type Artifact,
  DSSEBundleBuilder,
  MessageSignatureBundleBuilder,
  RekorWitness,
  type Signature,
  type Signer as SigstoreSigner,
  TSAWitness,
  type Witness,
} from '@sigstore/sign';
import { ModelcarsError } from '../../errors.ts';
import { trustInProcess } from '../../http/certificates.ts';
import { faultOf, faultText } from '../../http/failure.ts';
import { defaultRetry, type RetryOptions } from '../../http/retry.ts';
import { Transport } from '../../http/transport.ts';
import { plain } from '../../text/format.ts';
import { loadPrivateKey } from '../keys/private-key.ts';
import { keyHint } from '../keys/public-key.ts';
import { type CertifiedKey, requestCertificate } from './fulcio.ts';
import { identityProvider } from './identity-token.ts';
import type { SigningOptions } from './options.ts';
import { chooseServices, type SigstoreServices } from './services.ts';

type Bundle = Awaited<ReturnType<DSSEBundleBuilder['create']>>;
export type MessageBundle = Awaited<ReturnType<MessageSignatureBundleBuilder['create']>>;

/** in-toto attestation spec, "Bundle": the DSSE payload type of statements. */
export const statementType = 'application/vnd.in-toto+json';

export interface SignerOptions extends SigningOptions {
  env: NodeJS.ProcessEnv;
  caFile?: string;
  retry?: RetryOptions;
  onRetry?: (line: string) => void;
  signal?: AbortSignal;
}

/** Signs statements and older payloads of one run, with one key or one identity. */
export interface Signer {
  /** `key cosign.key` or `identity https://…`; the latter is known after the first signature. */
  readonly name: string;
  /** The public key, PEM, for a key; the certificate's chain, PEM, for an identity. Requests it when needed. */
  material(): Promise<{ publicKey: string } | { chain: string[] }>;
  /** An in-toto statement as a Sigstore bundle v0.3 (JSON). */
  signStatement(statement: Uint8Array): Promise<Uint8Array>;
  /** A message as a Sigstore bundle; for the older layout, which takes it apart. */
  signMessage(message: Uint8Array): Promise<MessageBundle>;
  close(): Promise<void>;
}

/** Opens the key, or prepares to request certificates. Fails with code `trust` or `usage`. */
export async function openSigner(options: SignerOptions): Promise<Signer> {
  const services = await chooseServices(options);
  // Rekor and timestamps are asked by Sigstore's library, which takes certificates from the process.
  trustInProcess(options.caFile);
  const transport = new Transport({ env: options.env, ...(options.caFile && { caFile: options.caFile }) });
  if (options.key !== undefined) {
    const key = await loadPrivateKey(options.key, options.env, options.signal);
    const hint = keyHint(createPublicKey(key.publicKey));
    const signer: SigstoreSigner = {
      sign: async (data): Promise<Signature> => ({
        signature: await key.sign(data),
        key: { $case: 'publicKey', publicKey: key.publicKey, hint },
      }),
    };
    const material = { publicKey: key.publicKey };
    return new BundleSigner(`key ${options.key}`, signer, async () => material, services, options, transport);
  }
  const certified = certificates(options, services.fulcio ?? '', transport);
  const signer: SigstoreSigner = {
    sign: async (data): Promise<Signature> => {
      const { chain, sign } = await certified();
      return { signature: sign(data), key: { $case: 'x509Certificate', certificate: chain[0] ?? '' } };
    },
  };
  const material = async () => ({ chain: (await certified()).chain });
  return new BundleSigner('identity', signer, material, services, options, transport);
}

/** One certificate for all signatures of some minutes, not one for each. */
function certificates(
  options: SignerOptions,
  url: string,
  transport: Transport,
): () => Promise<CertifiedKey> {
  let current: Promise<CertifiedKey> | undefined;
  return async () => {
    const known = await current?.catch(() => undefined);
    if (known !== undefined && performance.now() < known.until) return known;
    const { retry = defaultRetry, onRetry, signal } = options;
    current = requestCertificate({
      url,
      identity: identityProvider(options.identityToken),
      transport,
      retry,
      ...(onRetry && { onRetry }),
      ...(signal && { signal }),
    });
    return await current;
  };
}

class BundleSigner implements Signer {
  readonly name: string;
  readonly material: Signer['material'];
  readonly #signer: SigstoreSigner;
  readonly #witnesses: Witness[];
  readonly #transport: Transport;
  readonly #services: SigstoreServices;

  constructor(
    name: string,
    signer: SigstoreSigner,
    material: Signer['material'],
    services: SigstoreServices,
    { retry = defaultRetry }: SignerOptions,
    transport: Transport,
  ) {
    this.name = name;
    this.material = material;
    this.#signer = signer;
    this.#transport = transport;
    this.#services = services;
    const { rekor, timestamps } = services;
    const fetching = { retry: { retries: retry.tries - 1, minTimeout: retry.delay }, timeout: 30_000 };
    this.#witnesses = [
      ...(rekor === undefined
        ? []
        : [
            new RekorWitness({
              rekorBaseURL: rekor.url,
              majorApiVersion: rekor.majorApiVersion,
              entryType: 'dsse',
              ...fetching,
            }),
          ]),
      ...(timestamps === undefined ? [] : [new TSAWitness({ tsaBaseURL: timestamps, ...fetching })]),
    ];
  }

  async signStatement(statement: Uint8Array): Promise<Uint8Array> {
    const builder = new PlainDsseBuilder({ signer: this.#signer, witnesses: this.#witnesses });
    const bundle = await this.#create(() =>
      builder.create({ data: Buffer.from(statement), type: statementType }),
    );
    return Buffer.from(JSON.stringify(bundleToJSON(bundle)));
  }

  async signMessage(message: Uint8Array): Promise<MessageBundle> {
    const builder = new MessageSignatureBundleBuilder({ signer: this.#signer, witnesses: this.#witnesses });
    return await this.#create(() => builder.create({ data: Buffer.from(message) }));
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  /** The library names neither host nor next step, and its messages can have the token. */
  async #create<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (error instanceof ModelcarsError) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const { rekor, timestamps = '' } = this.#services;
      const isTsa = code === 'TSA_CREATE_TIMESTAMP_ERROR';
      if (!isTsa && !code.startsWith('TLOG_')) throw error;
      const host = hostOf(isTsa ? timestamps : (rekor?.url ?? ''));
      const service = isTsa ? `timestamp authority ${host}` : `transparency log ${host}`;
      const option = isTsa ? '--timestamp-url' : '--rekor-url';
      throw new ModelcarsError('trust', `sign: ${service}: ${causeText(error, host)}`, {
        cause: error,
        next: `check ${option} and the service, then run the same command again: it adds what is missing`,
      });
    }
  }
}

/** cosign skips a DSSE signature with a `keyid`; the hint of the key stays in the bundle's verification material. */
class PlainDsseBuilder extends DSSEBundleBuilder {
  protected override async package(artifact: Artifact, signature: Signature): Promise<Bundle> {
    const bundle = await super.package(artifact, signature);
    for (const one of bundle.content.dsseEnvelope.signatures) one.keyid = '';
    return bundle;
  }
}

function causeText(error: unknown, host: string): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const status = cause instanceof Error && 'statusCode' in cause ? Number(cause.statusCode) : undefined;
  if (cause instanceof Error && status !== undefined) return `it answered ${plain(cause.message, 300)}`;
  return faultText(host, faultOf(cause));
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
