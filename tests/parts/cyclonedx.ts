/** The official CycloneDX library for Python, in a separate environment: the judge of bills of materials. */
import { fileURLToPath } from 'node:url';
import { pythonWith } from './python.ts';

/** A Python with cyclonedx-python-lib and its JSON validation; installed first if needed. */
export function cycloneDx(): Promise<string> {
  return pythonWith({
    name: 'cyclonedx',
    requirements: fileURLToPath(new URL('cyclonedx.requirements.txt', import.meta.url)),
    interpreters: ['python3.12', 'python3.11', 'python3.13'],
  });
}
