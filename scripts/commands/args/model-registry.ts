import { groups, text } from './option.ts';

const group = groups.transport;

/**
 * The Kubeflow Model Registry to write to: `--registry` is where images are. Not `--registry-url`, which differs from
 * `--registry` in nothing that says so.
 */
export const modelRegistry = {
  modelRegistry: text(
    'model-registry',
    { describe: 'URL of the Kubeflow Model Registry (default $MODELCARS_MODEL_REGISTRY)', group },
    (given) => given ?? (process.env.MODELCARS_MODEL_REGISTRY?.trim() || undefined),
  ),
  tokenFile: text('token-file', {
    describe: 'file with its token (default $MODELCARS_MODEL_REGISTRY_TOKEN)',
    group,
  }),
};
