import * as z from 'zod';
import type { Descriptor } from './types.ts';

/** A file that a layer's annotation lists. */
export interface ListedFile {
  /** Below `/`: `models/model.joblib`. */
  path: string;
  /** Bytes. */
  size: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
}

const key = 'dev.modelcars.layer.files';
const schema = z.array(
  z.object({
    path: z.string(),
    size: z.int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
);

/**
 * The files that a layer's annotation `dev.modelcars.layer.files` lists; undefined without one (another builder's layer, a
 * base's, or one of more than 64 files), and when it is malformed. A claim until the layer is read.
 */
export function listedFiles({ annotations }: Descriptor): ListedFile[] | undefined {
  try {
    return schema.safeParse(JSON.parse(annotations?.[key] ?? 'null')).data;
  } catch {
    return undefined;
  }
}

/** Whether a layer's annotations say that modelcars made it of model files. */
export function isModelLayer({ annotations }: Descriptor): boolean {
  return annotations?.[key] !== undefined || annotations?.['dev.modelcars.layer.key'] !== undefined;
}
