/** The real huggingface_hub, in a separate Python environment: the judge of the test hub. */
import { fileURLToPath } from 'node:url';
import { missing, pythonWith } from './python.ts';
import { type Result, tryRun } from './run.ts';

/** The message with what to install if the client is missing; throws it where parts are required. */
export function missingHubClient(): Promise<string | undefined> {
  return missing(hubClient);
}

/** A Python with huggingface_hub (which needs 3.10 or newer); installed first if needed. */
export function hubClient(): Promise<string> {
  return pythonWith({
    name: 'huggingface-hub',
    requirements: fileURLToPath(new URL('hub.requirements.txt', import.meta.url)),
    interpreters: ['python3.12', 'python3.11', 'python3.13', 'python3.10'],
  });
}

/** The hub, token and home folder for a Python program. */
export interface HubSurroundings {
  endpoint: string;
  /** For caches; none of the user's files are read. */
  home: string;
  token?: string;
}

/** Runs Python with huggingface_hub against a hub; accepts any exit code. */
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
