import type { mlserverRuntimes } from '../scripts/artifacts/mlserver-settings.ts';
import type { ImageFindings, ModelReader } from '../scripts/model/types.ts';

/** `examineImage` of a framework that MLServer serves: reads an image's own model-settings.json. */
export function examineMlserver(framework: keyof typeof mlserverRuntimes) {
  return async (files: ModelReader, name: string): Promise<ImageFindings> =>
    (await import('../scripts/artifacts/mlserver-settings.ts')).examineSettings(files, { name, framework });
}
