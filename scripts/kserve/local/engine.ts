import { ModelcarsError } from '../../errors.ts';
import type { Security } from '../types.ts';
import type { RunnableImage } from './image.ts';
import type { LocalOptions, LocalServer, Verdict } from './local.ts';

export async function smokeInEngine(
  options: LocalOptions & { security: Security; server: Extract<LocalServer, { image: string }> },
  _image: RunnableImage,
): Promise<Verdict> {
  throw new ModelcarsError('bug', `smoke ${options.model.name}: not written yet`);
}
