import type { Container, File, Secret } from '@dagger.io/dagger';
import { flags, withVariables } from './program.ts';

/** How sources, base images and registries are reached. */
export interface Access {
  hfToken?: Secret;
  hfEndpoint: string;
  dockerConfig?: Secret;
  caFile?: File;
}

/** Credentials and place of S3 buckets. */
export interface S3Access {
  accessKeyId?: Secret;
  secretAccessKey?: Secret;
  sessionToken?: Secret;
  region: string;
  endpoint: string;
}

/** Credentials and place of Google's buckets. */
export interface GoogleAccess {
  credentials?: Secret;
  endpoint: string;
}

/** Credentials of a storage account of Azure, or of an application that may read it. */
export interface AzureAccess {
  account: string;
  key?: Secret;
  sasToken?: Secret;
  tenantId: string;
  clientId: string;
  clientSecret?: Secret;
}

/** With what images are signed. */
export interface Signing {
  key?: Secret;
  keyPassword?: Secret;
  identityToken?: Secret;
  attest: boolean;
}

/** A private Sigstore. */
export interface Sigstore {
  fulcioUrl: string;
  rekorUrl: string;
  timestampUrl: string;
  signingConfig?: File;
  trustedRoot?: File;
}

const dockerConfigPath = '/run/secrets/registry/config.json';
const googlePath = '/run/secrets/google/credentials.json';
const identityPath = '/run/secrets/identity/token';
const caPath = '/run/ca/ca.pem';
const sigstorePath = '/run/sigstore';
const keyVariable = 'MODELCARS_SIGNING_KEY';

/** With credentials as secret variables and files; no value of one is part of a cache key, a layer or a log. */
export function withAccess(container: Container, access: Access): Container {
  const { hfToken, hfEndpoint, dockerConfig, caFile } = access;
  let connected = withSecrets(withVariables(container, { HF_ENDPOINT: hfEndpoint }), { HF_TOKEN: hfToken });
  if (dockerConfig) {
    connected = connected
      .withMountedSecret(dockerConfigPath, dockerConfig)
      .withEnvVariable('REGISTRY_AUTH_FILE', dockerConfigPath);
  }
  return caFile ? connected.withMountedFile(caPath, caFile) : connected;
}

/** The flags that `withAccess` needs. */
export function accessFlags({ caFile }: Access): string[] {
  return flags({ 'ca-file': caFile && caPath });
}

/** With a login for the registries that a container engine pulls the cluster's images from. */
export function withLogin(container: Container, dockerConfig?: Secret): Container {
  if (!dockerConfig) return container;
  return container
    .withMountedSecret('/run/secrets/docker/config.json', dockerConfig)
    .withEnvVariable('DOCKER_CONFIG', '/run/secrets/docker');
}

/** With credentials, region and server of S3 buckets. */
export function withS3Access(container: Container, access: S3Access): Container {
  const secrets = {
    AWS_ACCESS_KEY_ID: access.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
    AWS_SESSION_TOKEN: access.sessionToken,
  };
  const plain = { AWS_REGION: access.region, S3_ENDPOINT_URL: access.endpoint };
  return withVariables(withSecrets(container, secrets), plain);
}

/** With credentials and server of Google's buckets. */
export function withGoogleAccess(container: Container, { credentials, endpoint }: GoogleAccess): Container {
  const ready = withVariables(container, { STORAGE_EMULATOR_HOST: endpoint });
  if (!credentials) return ready;
  return ready
    .withMountedSecret(googlePath, credentials)
    .withEnvVariable('GOOGLE_APPLICATION_CREDENTIALS', googlePath);
}

/** With credentials of Azure. */
export function withAzureAccess(container: Container, access: AzureAccess): Container {
  const secrets = {
    AZURE_STORAGE_KEY: access.key,
    AZURE_STORAGE_SAS_TOKEN: access.sasToken,
    AZURE_CLIENT_SECRET: access.clientSecret,
  };
  return withVariables(withSecrets(container, secrets), {
    AZURE_STORAGE_ACCOUNT: access.account,
    AZURE_TENANT_ID: access.tenantId,
    AZURE_CLIENT_ID: access.clientId,
  });
}

/** With what signs: a private key and its password as variables, or the token of an identity as a file. */
export function withSigner(container: Container, { key, keyPassword, identityToken }: Signing): Container {
  const ready = withSecrets(container, { [keyVariable]: key, MODELCARS_KEY_PASSWORD: keyPassword });
  return identityToken ? ready.withMountedSecret(identityPath, identityToken) : ready;
}

/** The flags that `withSigner` needs. Throws when there is nothing to sign with. */
export function signerFlags({ key, identityToken, attest }: Signing): string[] {
  if ((key === undefined) === (identityToken === undefined))
    throw new Error(
      'with-signing takes a key or an identity token\n' +
        'next: pass --key env:NAME, or --identity-token env:NAME with the OIDC token of the CI job',
    );
  const signer = { key: key && `env://${keyVariable}`, 'identity-token': identityToken && identityPath };
  return flags({ ...signer, attest });
}

/** With the files of a private Sigstore. */
export function withSigstoreFiles(container: Container, { signingConfig, trustedRoot }: Sigstore): Container {
  let ready = container;
  if (signingConfig) ready = ready.withMountedFile(`${sigstorePath}/signing-config.json`, signingConfig);
  if (trustedRoot) ready = ready.withMountedFile(`${sigstorePath}/trusted-root.json`, trustedRoot);
  return ready;
}

/** The flags by which a private Sigstore signs, and by which its signatures are verified. */
export function sigstoreFlags(sigstore: Sigstore): { sign: string[]; verify: string[] } {
  const { fulcioUrl, rekorUrl, timestampUrl, signingConfig, trustedRoot } = sigstore;
  const verify = flags({ 'trusted-root': trustedRoot && `${sigstorePath}/trusted-root.json` });
  const services = { 'fulcio-url': fulcioUrl, 'rekor-url': rekorUrl, 'timestamp-url': timestampUrl };
  const config = signingConfig && `${sigstorePath}/signing-config.json`;
  return { sign: [...flags({ ...services, 'signing-config': config }), ...verify], verify };
}

/** With a secret variable that no other function names. */
export function withNamedSecret(container: Container, name: string, secret: Secret): Container {
  return withSecrets(container, { [name]: secret });
}

function withSecrets(container: Container, secrets: Record<string, Secret | undefined>): Container {
  let ready = container;
  for (const [name, secret] of Object.entries(secrets))
    if (secret) ready = ready.withSecretVariable(name, secret);
  return ready;
}
