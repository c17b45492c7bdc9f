import type { ImageScans } from './image-scans.ts';
import type { Session } from './session.ts';

/** The scans of a run that asks for them: a run without does not load them. */
export async function openScans(session: Session): Promise<ImageScans | undefined> {
  if (session.options.scan === undefined) return undefined;
  const { ImageScans } = await import('./image-scans.ts');
  return await ImageScans.open(session);
}
