/**
 * Whether a registry is Amazon's: `<account>.dkr.ecr.<region>.amazonaws.com` (also `dkr-ecr`, FIPS, China) or ECR
 * Public.
 */
export function isEcr(registry: string): boolean {
  return registry === 'public.ecr.aws' || /^\d{12}\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\./.test(registry);
}

/**
 * The IAM action that a request to ECR needs: `ecr:PutImage`. Source: Service Authorization Reference, "Actions,
 * resources, and condition keys for Amazon Elastic Container Registry"; ECR Public has the same actions under
 * `ecr-public`.
 */
export function ecrAction(registry: string, method: string, path: string): string {
  return `${registry === 'public.ecr.aws' ? 'ecr-public' : 'ecr'}:${operation(method, path)}`;
}

function operation(method: string, path: string): string {
  if (path.endsWith('/tags/list')) return 'ListImages';
  if (path.includes('/manifests/')) return method === 'PUT' ? 'PutImage' : 'BatchGetImage';
  if (!path.includes('/blobs/uploads/'))
    return method === 'HEAD' ? 'BatchCheckLayerAvailability' : 'GetDownloadUrlForLayer';
  if (method === 'POST') return 'InitiateLayerUpload';
  return method === 'PUT' ? 'CompleteLayerUpload' : 'UploadLayerPart';
}
