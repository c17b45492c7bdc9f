import { forEachModel } from './for-each-model.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions } from './types.ts';

/**
 * Fetches the base image of every model into the store: manifest, config and layers for all platforms, by the lock's
 * digests. Content in the store is checked, not fetched again. `embedded` is part of modelcars and needs no fetching.
 */
export async function fetchBases(options: RunOptions): Promise<Outcome[]> {
  await using session = await Session.open(options);
  session.store.requireTrust('fetch base images into the store');
  return await forEachModel(options, async (model, task): Promise<Outcome> => {
    const layers = new Map<string, number>();
    for (const platform of model.platforms) {
      const { contents } = await session.base(model, platform);
      for (const content of contents) {
        for await (const chunk of content.open(0, options.signal)) task.add(chunk.length);
        layers.set(content.digest ?? '', content.size ?? 0);
      }
    }
    const size = [...layers.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { model: model.name, status: 'done', name: model.base, size, platforms: model.platforms };
  });
}
