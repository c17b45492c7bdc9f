import { randomBytes } from 'node:crypto';
import type { Descriptor } from '../../scripts/image/types.ts';
import type { Repository } from '../../scripts/registry/repository.ts';

export const noCredentials = { HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' };

export async function download(repository: Repository, descriptor: Descriptor, offset = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.open(descriptor, offset)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const largeBlob = randomBytes(3_000_000);

export const smallBlob = randomBytes(200_000);
