/** The real huggingface_hub, in a Python environment of its own: the judge of our test hub. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, PartMissing, partsRequired } from './parts.ts';
import { type Result, run, tryRun } from './run.ts';

const requirements = fileURLToPath(new URL('hub.requirements.txt', import.meta.url));

/** The sentence that says what to install, when the client cannot be had here; throws it where parts are required. */
export async function missingHubClient(): Promise<string | undefined> {
  try {
    await hubClient();
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return error.message;
  }
  return undefined;
}

/** The Python that has huggingface_hub; installed first when need be. Throws PartMissing without a Python. */
export async function hubClient(): Promise<string> {
  const base = await findPython();
  const pins = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const key = `huggingface-hub-${pins.slice(0, 12)}-${base}-${process.arch}`;
  return await cached(key, 'bin/python', async (folder) => {
    await run(base, ['-m', 'venv', folder]);
    const flags = [
      '--no-deps',
      '--only-binary=:all:',
      '--no-input',
      '--disable-pip-version-check',
      '--quiet',
    ];
    const pip = ['-m', 'pip', 'install', ...flags, '--requirement', requirements];
    await run(join(folder, 'bin', 'python'), pip, { timeout: 900_000 });
  });
}

/** Where a Python program finds the hub, its token and a home of its own. */
export interface HubSurroundings {
  endpoint: string;
  /** For caches; nothing of the user's is read. */
  home: string;
  token?: string;
}

/** Runs Python with huggingface_hub against a hub, whatever the exit code. */
export async function tryPython(args: string[], surroundings: HubSurroundings): Promise<Result> {
  const { endpoint, home, token } = surroundings;
  return await tryRun(await hubClient(), args, {
    env: {
      HOME: home,
      HF_HOME: home,
      HF_ENDPOINT: endpoint,
      HF_TOKEN: token,
      HF_TOKEN_PATH: undefined,
      HF_HUB_DISABLE_TELEMETRY: '1',
      HF_HUB_DISABLE_XET: '1',
      NO_COLOR: '1',
    },
  });
}

/** huggingface_hub 2 wants Python 3.10 at least. */
async function findPython(): Promise<string> {
  for (const name of ['python3.12', 'python3.11', 'python3.13', 'python3.10', 'python3']) {
    const check = 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))';
    const tried = await tryRun(name, ['-c', check]).catch(() => undefined);
    if (tried?.code === 0) return name;
  }
  throw new PartMissing(
    'huggingface_hub is not here: install Python 3.10 or newer with venv (Debian: python3-venv)',
  );
}
