import { chmod, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../parts/cli.ts';
import { run } from '../parts/run.ts';

interface Surroundings {
  umask: string;
  env: Record<string, string>;
  /** Times of the sample artifacts, in seconds since the epoch. */
  time: number;
  /** User to build as, when root runs the tests. */
  uid?: number;
}

const here: Surroundings = { umask: '022', env: { TZ: 'UTC', LC_ALL: 'C' }, time: 1_000_000_000 };
const there: Surroundings = {
  umask: '077',
  env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', HOME: '/nonexistent' },
  time: 1_700_000_000,
  uid: 65_534,
};

/** Runs shell lines; `$1`, `$2` … are the arguments. */
async function sh(lines: string, ...args: string[]): Promise<string> {
  return await run('sh', ['-euc', lines, 'sh', ...args]);
}

/** A clone of HEAD with the dependencies installed here, checked out under this umask. */
async function cloneInto(folder: string, { umask, time }: Surroundings): Promise<void> {
  await sh(`umask ${umask}; git clone --quiet --no-hardlinks "$1" "$2"`, root, folder);
  // Hard links: another user might be unable to enter the target folder of a symbolic link.
  const modules = [join(root, 'node_modules'), join(folder, 'node_modules')];
  await sh('mkdir "$2"; cp -rl "$1/." "$2" 2>/dev/null || cp -r "$1/." "$2"', ...modules);
  for (const entry of await readdir(join(folder, 'frameworks'), { recursive: true })) {
    await utimes(join(folder, 'frameworks', entry), time, time);
  }
}

/** Builds every model of models.yaml on the embedded base; returns digests by name. */
async function build(folder: string, { umask, env, uid }: Surroundings): Promise<Record<string, string>> {
  let command = ['node_modules/.bin/node', 'scripts/modelcars.ts', 'build', '--frozen', '--base', 'embedded'];
  if (uid !== undefined && process.getuid?.() === 0) {
    await sh('find "$1" -name node_modules -prune -o -exec chown -h "$2" {} +', folder, String(uid));
    await sh('find "$1" -type d -exec chmod a+rx {} +', join(folder, 'node_modules'));
    command = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...command];
  }
  await run('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...command], {
    cwd: folder,
    env: { ...env, MODELCARS_STORE: join(folder, '.store') },
  });
  const index = JSON.parse(await readFile(join(folder, 'out', 'index.json'), 'utf8'));
  return Object.fromEntries(
    index.manifests.map((entry: { digest: string; annotations: Record<string, string> }) => [
      entry.annotations['org.opencontainers.image.ref.name'],
      entry.digest,
    ]),
  );
}

describe('build', () => {
  test('gives the same digests in another clone, folder, time, user, umask, zone and locale', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-reproducible-'));
    await chmod(folder, 0o755);
    try {
      const [one, other] = [join(folder, 'one'), join(folder, 'quite another')];
      await cloneInto(one, here);
      const digests = await build(one, here);
      expect(Object.keys(digests).length).toBeGreaterThanOrEqual(3);
      await cloneInto(other, there);
      expect(await build(other, there)).toEqual(digests);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
