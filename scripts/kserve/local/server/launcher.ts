import type { Framework } from '../../../model/types.ts';
import { foldersOfCommand } from '../reach.ts';
import {
  mlserverCommand,
  mlserverEnvironmentOf,
  mlserverImplementations,
  mlserverRuntimes,
} from './mlserver.ts';
import { type EnvironmentOptions, pythonEnvironment, pythonFolders } from './python.ts';
import type { ServerCommand } from './server-command.ts';

/** A local model server. */
export interface Launcher {
  /** Display name: `MLServer`, or the command. */
  name: string;
  /** Folders that the server's user has to reach. */
  needs: string[];
  command(at: { models: string; name: string; ports: [number, number, number] }): ServerCommand;
}

/**
 * The server for a framework's models: the given command, falling back to MLServer, installed if necessary; or the
 * reason why neither is available.
 */
export async function launcherFor(
  framework: Framework,
  command: string | undefined,
  options: EnvironmentOptions,
): Promise<Launcher | { reason: string }> {
  if (command !== undefined) {
    return {
      name: command.split(' ')[0] ?? command,
      needs: await foldersOfCommand(command),
      command: ({ models, name, ports: [port] }) => ({
        argv: ['/bin/sh', '-c', command],
        env: { ...ownEnvironment(), MODEL_DIR: models, MODEL_NAME: name, PORT: `${port}` },
      }),
    };
  }
  const { runtime = 'of this model', modelFormat } = framework;
  const format = modelFormat?.name ?? '';
  if (!mlserverRuntimes.includes(runtime) || mlserverImplementations[format] === undefined) {
    return {
      reason: `no server for the runtime ${runtime} is on PyPI: pass one with --server-image IMAGE or --server-command COMMAND`,
    };
  }
  const python = await pythonEnvironment(mlserverEnvironmentOf(format), options);
  return {
    name: 'MLServer',
    needs: await pythonFolders(python),
    command: (at) => mlserverCommand(python, format, at),
  };
}

/** A user's command gets the environment of the user's shell. */
function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).map(([key, value = '']) => [key, value]));
}
