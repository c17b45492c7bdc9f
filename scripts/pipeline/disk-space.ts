import type { Layer } from '../image/layer.ts';
import type { Sink } from '../image/types.ts';
import { uniqueBaseLayers } from './assemble.ts';
import type { ImagePlan } from './plan-image.ts';
import type { Session } from './session.ts';

/**
 * Fails with code `disk`, before the first byte is written, when the disk has too little space: at `output` (a layout
 * or archive) for the missing layers, in the store for the files that `--keep` adds. A layer of unknown compressed size
 * counts as large as its tar.
 */
export async function checkDiskSpace(
  session: Session,
  plan: ImagePlan,
  sink: Sink,
  output?: string,
): Promise<void> {
  const { space, options, store, files } = session;
  if (output === undefined && !options.keep) return;
  const missing = await missingLayers(session, plan, sink);
  if (output !== undefined) {
    const needs = missing.map(({ layer, bytes }) => ({ key: layer.key, bytes }));
    for (const base of uniqueBaseLayers(plan))
      if (!(await sink.has(base))) needs.push({ key: base.digest, bytes: base.size });
    await space.reserve('build', output, needs, '--output');
  }
  const needs = [];
  for (const { path, sha256 } of missing.flatMap(({ layer }) => layer.plan.files)) {
    const wanted = plan.files.get(path);
    if (wanted !== undefined) needs.push({ key: sha256, bytes: await files.keeps(wanted) });
  }
  await space.reserve('--keep', store.folder, needs, '--store');
}

/** The layers to be written, with their size in bytes. */
async function missingLayers(
  session: Session,
  plan: ImagePlan,
  sink: Sink,
): Promise<{ layer: Layer; bytes: number }[]> {
  const missing = [];
  for (const layer of plan.layers) {
    const known = await session.layers.get(layer);
    const { mediaType } = layer;
    if (known === undefined) missing.push({ layer, bytes: layer.plan.size });
    else if (!(await sink.has({ mediaType, digest: known.digest, size: known.size })))
      missing.push({ layer, bytes: known.size });
  }
  return missing;
}
