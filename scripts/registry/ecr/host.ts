/** A registry of Amazon ECR, from its host name. */
export interface EcrRegistry {
  host: string;
  /** The account that owns it; undefined for ECR Public. */
  account?: string;
  region: string;
  fips: boolean;
  /** Whether its host name has IPv6 addresses too; the API's host name then does as well. */
  dualStack: boolean;
}

export const ecrPublic = 'public.ecr.aws';

// The suffixes of all partitions, as in Amazon's ECR credential helper: a password must not go to any other host.
const privateHost =
  /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;

/**
 * The parts of an ECR host name: `<account>.dkr.ecr.<region>.amazonaws.com` (also `dkr-ecr`, FIPS and other
 * partitions) or ECR Public, whose API is in us-east-1. Undefined for any other registry.
 */
export function ecrRegistry(registry: string): EcrRegistry | undefined {
  if (registry === ecrPublic) return { host: registry, region: 'us-east-1', fips: false, dualStack: false };
  const [, account, fips, region, suffix] = privateHost.exec(registry) ?? [];
  if (account === undefined || region === undefined) return undefined;
  const dualStack = suffix?.startsWith('on.') ?? false;
  return { host: registry, account, region, fips: fips !== undefined, dualStack };
}

/** Whether a registry is Amazon's. */
export function isEcr(registry: string): boolean {
  return ecrRegistry(registry) !== undefined;
}

/** An action as IAM names it: `ecr:CreateRepository`; ECR Public has the same actions under `ecr-public`. */
export function iamAction(registry: string, operation: string): string {
  return `${registry === ecrPublic ? 'ecr-public' : 'ecr'}:${operation}`;
}

/**
 * The IAM action that a request to ECR needs: `ecr:PutImage`. Source: Service Authorization Reference, "Actions,
 * resources, and condition keys for Amazon Elastic Container Registry".
 */
export function ecrAction(registry: string, method: string, path: string): string {
  return iamAction(registry, operation(method, path));
}

function operation(method: string, path: string): string {
  if (path.endsWith('/tags/list')) return 'ListImages';
  if (path.includes('/manifests/')) return method === 'PUT' ? 'PutImage' : 'BatchGetImage';
  if (!path.includes('/blobs/uploads/'))
    return method === 'HEAD' ? 'BatchCheckLayerAvailability' : 'GetDownloadUrlForLayer';
  if (method === 'POST') return 'InitiateLayerUpload';
  return method === 'PUT' ? 'CompleteLayerUpload' : 'UploadLayerPart';
}
