import { KubeConfig } from '@kubernetes/client-node';
import { ModelcarsError } from '../../errors.ts';
import { Api } from './api.ts';

/**
 * Opens the API of a kubeconfig's cluster; the kubeconfig is a file or a text. Fails with code `usage` when it lacks
 * the context.
 */
export function connect(options: { kubeconfig?: string; text?: string; context?: string }): Api {
  const config = new KubeConfig();
  try {
    if (options.text !== undefined) config.loadFromString(options.text);
    else if (options.kubeconfig !== undefined) config.loadFromFile(options.kubeconfig);
    else config.loadFromDefault();
  } catch (cause) {
    const where = options.kubeconfig ?? 'the kubeconfig';
    throw new ModelcarsError('usage', `read ${where}: ${cause instanceof Error ? cause.message : cause}`, {
      next: 'pass a kubeconfig with --kubeconfig FILE',
      cause,
    });
  }
  const { context } = options;
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context)) {
      const known = names.length === 0 ? 'has none' : `has ${names.join(', ')}`;
      throw new ModelcarsError('usage', `use context ${context}: the kubeconfig ${known}`, {
        next: 'see `kubectl config get-contexts`',
      });
    }
    config.setCurrentContext(context);
  }
  return new Api(config);
}
