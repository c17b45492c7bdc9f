/** The real huggingface_hub, in a separate Python environment: the judge of the test hub. */
import { fileURLToPath } from 'node:url';
import { missing, pythonWith } from './python.ts';
import { type Result, tryRun } from './run.ts';

/** The message with what to install if the client is missing; throws it where parts are required. */
export function missingHubClient(): Promise<string | undefined> {
  return missing(hubClient);
}

/** The Python that has huggingface_hub (which wants 3.10 at least); installed first when need be. */
export function hubClient(): Promise<string> {
  return pythonWith({
    name: 'huggingface-hub',
    requirements: fileURLToPath(new URL('hub.requirements.txt', import.meta.url)),
    interpreters: ['python3.12', 'python3.11', 'python3.13', 'python3.10'],
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
