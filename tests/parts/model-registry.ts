/** The Python client of Kubeflow Model Registry, in a separate environment: the judge of what `register` wrote. */
import { fileURLToPath } from 'node:url';
import { pythonWith } from './python.ts';

/** A Python with the package model-registry; installed first if needed. */
export function modelRegistryClient(): Promise<string> {
  return pythonWith({
    name: 'model-registry',
    requirements: fileURLToPath(new URL('model-registry.requirements.txt', import.meta.url)),
    interpreters: ['python3.12', 'python3.11', 'python3.13'],
  });
}
