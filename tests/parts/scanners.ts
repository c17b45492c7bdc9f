/** fickling, picklescan and the official loader of safetensors. */
import { fileURLToPath } from 'node:url';
import { pythonWith } from './python.ts';

/** The Python of all three; installed first if needed. Throws PartMissing without a Python. */
export function scannersPython(): Promise<string> {
  return pythonWith({
    name: 'scanners',
    requirements: fileURLToPath(new URL('scanners.requirements.txt', import.meta.url)),
    interpreters: ['python3.11', 'python3.12'],
  });
}
