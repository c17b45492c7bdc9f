/** Python environments of pinned packages, created once and kept in the parts cache. */
import {
  type EnvironmentSettings,
  findPython,
  pythonEnvironment,
} from '../../scripts/kserve/local/server/python.ts';
import { PartMissing, partsFolder, partsRequired } from './parts.ts';

/** The Python of an environment with these packages; installed first if needed. Throws PartMissing without a Python. */
export async function pythonWith(settings: EnvironmentSettings): Promise<string> {
  const { name, interpreters } = settings;
  if ((await findPython(interpreters)) === undefined) {
    throw new PartMissing(
      `${name} is not here: install ${interpreters.join(' or ')} with venv (Debian: python3-venv)`,
    );
  }
  return await pythonEnvironment(settings, { cache: partsFolder() });
}

/** The message with what to install if `part` throws PartMissing; throws it where parts are required. */
export async function missing(part: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await part();
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return error.message;
  }
  return undefined;
}
