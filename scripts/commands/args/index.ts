/** Every argument and group of arguments; a command spreads the groups and names the others. */
export * from './argocd.ts';
export * from './build.ts';
export * from './cache.ts';
export * from './kserve.ts';
export * from './model-registry.ts';
export * from './output.ts';
export * from './overrides.ts';
export * from './policy.ts';
export * from './prefetch.ts';
export * from './scan.ts';
export * from './selection.ts';
export * from './start.ts';
export * from './store.ts';
export * from './trust.ts';
