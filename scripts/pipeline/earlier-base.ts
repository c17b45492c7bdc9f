import { ModelcarsError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import { parseManifest } from '../image/schema.ts';
import { plain } from '../text/format.ts';
import type { OwnImage } from './own-image.ts';
import type { Session } from './session.ts';

/**
 * Compares the layers below an image's model with those of the base that the image names, so that none is dropped
 * unnoticed. Reads only bases that the catalog or the lock names too: the image's word is no reason to send a request
 * anywhere. A base that no longer exists is not compared. Fails with code `integrity` for other layers.
 */
export async function compareEarlierBase(
  session: Session,
  own: OwnImage,
  { name, base }: { name: string; base: string },
): Promise<void> {
  const { catalog, progress } = session.options;
  const named = [base, 'embedded', ...catalog.models.map((model) => model.base)];
  if (!named.includes(own.base) && !Object.hasOwn(session.lock?.bases ?? {}, own.base)) return;
  for (const { platform, base: pin, baseLayers } of own.platforms) {
    const where = `${plain(own.base)} (${formatPlatform(platform)})`;
    let layers: string[];
    try {
      const store = await session.bases.store(own.base);
      const root = await store.resolve(pin);
      if (root === undefined) return;
      layers = parseManifest(await store.read(root), where).layers.map(({ digest }) => digest);
    } catch (error) {
      if (!(error instanceof ModelcarsError) || error.code === 'cancelled') throw error;
      progress.warn(`${name}: its earlier base ${where} cannot be read and compared: ${error.message}`);
      return;
    }
    if (layers.join() === baseLayers.join()) continue;
    throw new ModelcarsError(
      'integrity',
      `rebase ${name}: the layers below its model are not those of its base ${where}`,
      { next: 'find out what was added; push the new version from its source: `modelcars push`' },
    );
  }
}
