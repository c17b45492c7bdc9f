import type { Layer } from '../image/layer.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Subject } from '../trust/unsafe-files/gate.ts';
import { hashContent } from './hash-content.ts';
import type { ImagePlan } from './plan-image.ts';
import type { Session } from './session.ts';

/** The rules for a model's files; undefined for a loader, whose files are the program's own. */
function subjectOf(session: Session, { model, files }: ImagePlan): Subject | undefined {
  if (!isModel(model)) return undefined;
  const { allowedImports } = session.framework(model);
  const policy = {
    framework: model.framework,
    ...(allowedImports && { allowedImports }),
    ...(model.allow && { allow: model.allow }),
  };
  return { model: model.name, policy, files };
}

/** Fails with code `trust` when an earlier run found a layer's files unsafe. Reads nothing. */
export async function refuseKnownUnsafe(session: Session, plan: ImagePlan, layer: Layer): Promise<void> {
  const subject = subjectOf(session, plan);
  if (subject !== undefined) await session.unsafeFiles.judge(layer, subject);
}

/**
 * Judges the files of a layer. Reads them when nothing is known about their bytes, because a registry or an earlier image
 * had the layer, and one of them would be refused if it ran code. Fails with code `trust`.
 */
export async function refuseUnsafe(session: Session, plan: ImagePlan, layer: Layer): Promise<void> {
  const subject = subjectOf(session, plan);
  if (subject === undefined) return;
  const gate = session.unsafeFiles;
  await gate.remember(layer);
  if (await gate.mustRead(layer, subject)) {
    const { signal } = session.options;
    await session.files.readSurely(() => hashContent(layer, signal));
    await gate.remember(layer);
  }
  await gate.judge(layer, subject);
}

/** The same for all layers of an image that exists as it would be written. */
export async function refuseUnsafeImage(session: Session, plan: ImagePlan): Promise<void> {
  await Promise.all(plan.layers.map((layer) => session.slot(() => refuseUnsafe(session, plan, layer))));
}
