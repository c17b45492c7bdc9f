import type { MemoryUse } from '../memory/shares.ts';
import { usage } from './args/option.ts';

/** Applies --max-memory, or its default, to this process. Fails with code `usage`. */
export async function limitMemory(given: string | undefined, use: MemoryUse): Promise<void> {
  const { defaultMaxMemory, leastMaxMemory, shareMemory } = await import('../memory/shares.ts');
  if (given === undefined) return shareMemory(defaultMaxMemory, use);
  const { sizeBytes } = await import('../catalog/fields.ts');
  const bytes = sizeBytes(given);
  if (bytes === undefined || bytes < leastMaxMemory)
    throw usage('--max-memory must be a size of at least 128MB', 'for example --max-memory 512MB');
  shareMemory(bytes, use);
}
