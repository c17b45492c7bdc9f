import type { Layer } from '../image/layer.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Facts } from '../trust/unsafe-files/facts.ts';
import type { Subject } from '../trust/unsafe-files/gate.ts';
import type { Check } from '../verify/check.ts';
import type { OpenWalk } from '../verify/content-walks.ts';
import { hashContent } from './hash-content.ts';
import type { ImagePlan } from './plan-image.ts';
import type { Session } from './session.ts';

/** The rules for a model's files; undefined for a loader, whose files are the program's own. */
function subjectOf(
  session: Session,
  { model, files }: Pick<ImagePlan, 'model' | 'files'>,
): Subject | undefined {
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

/** The same for all layers of a plan, for a dry run. */
export async function refuseKnownUnsafeImage(session: Session, plan: ImagePlan): Promise<void> {
  await Promise.all(plan.layers.map((layer) => refuseKnownUnsafe(session, plan, layer)));
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

/** The walks of an image's files, and the judgement about them. */
export interface ImageWalk {
  openWalk: OpenWalk | undefined;
  /** Fails with code `trust`. Call it after all bytes were read and compared with their digests. */
  judge(): Promise<Check[]>;
}

/** Walks the files of an image that exists, while its layers are read. */
export async function walkImage(
  session: Session,
  image: Pick<ImagePlan, 'model' | 'files'>,
): Promise<ImageWalk> {
  const subject = subjectOf(session, image);
  const gate = session.unsafeFiles;
  if (subject === undefined || session.options.unsafeFiles === 'allow')
    return { openWalk: undefined, judge: async () => [] };
  const { FileWalk } = await import('../trust/unsafe-files/walk.ts');
  const walked: [path: string, facts: Facts][] = [];
  return {
    openWalk(path, size) {
      if (!gate.watches(path, size, subject)) return undefined;
      const walk = new FileWalk(path, size);
      return {
        push: (chunk) => walk.push(chunk),
        end: async () => void walked.push([path, await walk.end()]),
      };
    },
    async judge() {
      await gate.judgeFiles(walked, subject);
      return [{ rule: 'unsafe files', text: judgement(walked.length) }];
    },
  };
}

function judgement(count: number): string {
  if (count === 0) return 'no file is of a kind that can run code when a server loads it';
  return `${count} ${count === 1 ? 'file' : 'files'} checked for code that runs when a server loads them`;
}
