import { homedir } from 'node:os';

/**
 * The user's home: $HOME, falling back to the system's user database. A user in neither (a container with a random user
 * id) gets `/`, which Docker sets as HOME in that case, so that paths below it simply do not exist.
 */
export function homeFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.HOME) return environment.HOME;
  try {
    return homedir() || '/';
  } catch {
    return '/';
  }
}
