import type { Framework } from '../../scripts/model/types.ts';

/**
 * Any files, for a ServingRuntime of one's own: nothing is required, renamed or left out but what Git keeps for itself. The
 * model says in `serving:` who serves it. A folder in `frameworks/` beside models.yaml does the same for several models, and
 * can check and rename their files (../README.md).
 */
export default {
  name: 'custom',
  include: ['**'],
  exclude: ['**/.gitattributes', '**/.gitignore'],
  requires: [],
} satisfies Framework;
