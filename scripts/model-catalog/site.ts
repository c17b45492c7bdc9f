import { indexPage } from './index-page.ts';
import { modelPage } from './model-page.ts';
import type { ModelCatalog, SiteFile } from './types.ts';
import { manifestOf, pageOf } from './words.ts';

/** Paths that a site of this program can have. */
export const sitePath = /^(?:index\.html|models\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.(?:html|yaml))$/;

/**
 * The files of a catalog's site, one at a time: pages of models and their manifests, and last the index that links to
 * them. The same catalog gives the same bytes.
 */
export function* siteOf(catalog: ModelCatalog): Generator<SiteFile> {
  for (const model of catalog.models) {
    yield { path: pageOf(model.name), text: modelPage(catalog, model) };
    if (model.manifest !== undefined) yield { path: manifestOf(model.name), text: model.manifest };
  }
  yield { path: 'index.html', text: indexPage(catalog) };
}
