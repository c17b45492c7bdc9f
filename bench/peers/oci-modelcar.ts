import { join } from 'node:path';
import { toolPath } from '../tools.ts';
import type { Peer } from '../types.ts';

/**
 * The other tool that goes from hub to registry; it keeps each file and each layer on disk in between, and has no base.
 */
export const ociModelcar: Peer = {
  name: 'oci-modelcar',
  title: () => 'oci-modelcar push',
  kinds: ['hub'],
  needs: ['oci-modelcar'],
  noBase: true,
  readsHub: true,
  async steps({ models, registry, folder, hub }) {
    const program = await toolPath('oci-modelcar');
    const places = ['--spool-dir', join(folder, 'spool'), '--hf-endpoint', hub ?? '', '--registry', registry];
    return models.map(({ name }) => {
      const model = ['--hf-repo', `bench/${name}`, '--target-repo', `bench/${name}`, '--target-tag', 'v1'];
      return { program, args: ['push', ...places, ...model] };
    });
  },
};
