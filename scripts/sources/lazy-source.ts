import type { Source } from './types.ts';

/** A source whose code is loaded at first use: a run needs few kinds, and the CLI has to start fast. */
export function lazySource(load: () => Promise<Source>): Source {
  let loading: Promise<Source> | undefined;
  const source = (): Promise<Source> => {
    loading ??= load();
    return loading;
  };
  return {
    resolve: async (...parameters) => (await source()).resolve(...parameters),
    async *open(...parameters) {
      yield* (await source()).open(...parameters);
    },
    revision: async (...parameters) => (await source()).revision?.(...parameters),
    converted: async (...parameters) => await (await source()).converted?.(...parameters),
    close: async () => (await loading)?.close?.(),
  };
}
