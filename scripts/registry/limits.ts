/**
 * The largest blob, in bytes, that a registry accepts; undefined if unknown. Sources: GitHub Packages docs "About
 * packages" (10 GB per layer), Amazon ECR and ECR Public service quotas (52,000 and 10,000 MiB), Quay.io (20 GB).
 */
export function maxBlobSize(registry: string): number | undefined {
  const mebibyte = 1024 ** 2;
  if (registry === 'ghcr.io') return 10e9;
  if (registry === 'quay.io') return 20e9;
  if (registry === 'public.ecr.aws') return 10_000 * mebibyte;
  if (/\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/.test(registry)) return 52_000 * mebibyte;
  return undefined;
}
