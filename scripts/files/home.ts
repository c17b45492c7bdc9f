import { homedir } from 'node:os';

/**
 * The user's home: $HOME, falling back to the system's list of users. A user who is in neither (a container with a random user id)
 * gets `/`, as Docker sets HOME then, so that what is looked for below it is merely not there.
 */
export function homeFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.HOME) return environment.HOME;
  try {
    return homedir() || '/';
  } catch {
    return '/';
  }
}
