import { isAbsolute, join } from 'node:path';
import { homeFolder } from '../files/home.ts';

/**
 * The store's folder: $MODELCARS_STORE, falling back to $XDG_CACHE_HOME/modelcars (ignored unless absolute: XDG Base
 * Directory specification) and ~/.cache/modelcars.
 */
export function storeFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { MODELCARS_STORE, XDG_CACHE_HOME = '' } = environment;
  if (MODELCARS_STORE) return MODELCARS_STORE;
  const caches = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homeFolder(environment), '.cache');
  return join(caches, 'modelcars');
}
