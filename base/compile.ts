import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { $ } from 'zx';
import { ModelcarsError } from '../scripts/errors.ts';
import type { platforms } from './platforms.ts';

type Environment = Record<string, string | undefined>;

/**
 * The Go version that go.mod pins, as `go version` prints it ("go1.26.8"). Another compiler produces other bytes, so
 * the build accepts only this one.
 */
export async function pinnedGo(source: string): Promise<string> {
  const match = /^go (\d+\.\d+\.\d+)$/m.exec(await readFile(join(source, 'go.mod'), 'utf8'));
  if (match === null) throw new ModelcarsError('bug', 'read base/go.mod: no line "go 1.x.y"');
  return `go${match[1]}`;
}

/**
 * Fails unless the `go` on PATH is the pinned version or becomes it through its GOTOOLCHAIN setting. Returns the
 * version.
 */
export async function requireGo(source: string, env: Environment = process.env): Promise<string> {
  const wanted = await pinnedGo(source);
  const asked = await $({ cwd: source, env: clean(env), quiet: true, nothrow: true })`go env GOVERSION`;
  const found = asked.stdout.trim();
  if (asked.exitCode === 0 && found === wanted) return wanted;
  const cause = asked.exitCode === 0 ? `this is ${found}` : (asked.stderr.trim().split('\n')[0] ?? 'no go');
  throw new ModelcarsError('layout', `compile the embedded base: it needs ${wanted}: ${cause}`, {
    next: `install ${wanted}, or let a newer Go fetch it: GOTOOLCHAIN=${wanted} node base/build.ts`,
  });
}

/**
 * Compiles the program in `source` for one platform to the file `output`. The same source gives the same bytes whatever
 * the folder, user, umask, time zone, host architecture or Go settings of the environment: paths are trimmed, and the
 * binary has no C, no build id and no version-control stamp.
 */
export async function compile(
  source: string,
  platform: (typeof platforms)[number],
  output: string,
  env: Environment = process.env,
): Promise<void> {
  const toolchain = await requireGo(source, env);
  const settings = {
    ...clean(env),
    ...platform.level,
    GOOS: 'linux',
    GOARCH: platform.architecture,
    GOTOOLCHAIN: toolchain,
    CGO_ENABLED: '0',
  };
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w -buildid='];
  const built = await $({
    cwd: source,
    env: settings,
    quiet: true,
    nothrow: true,
  })`go build ${flags} -o ${output} .`;
  if (built.exitCode !== 0) {
    throw new ModelcarsError(
      'layout',
      `compile the embedded base for ${platform.architecture}: ${built.stderr.trim()}`,
      {
        next: 'mend the Go source in base/, or let Go reach a module proxy once to fetch what go.sum names',
      },
    );
  }
}

/** The environment without the Go settings that affect the output; those for fetching modules stay. */
function clean(env: Environment): Environment {
  const changing = /^(GO(FLAGS|EXPERIMENT|DEBUG|ROOT|OS|ARCH)|CGO_.*)$/;
  const rest = Object.entries(env).filter(([name]) => !changing.test(name));
  // Not empty: with an empty setting, Go uses the one in its own settings file.
  return { ...Object.fromEntries(rest), GOFLAGS: '-mod=readonly', GOWORK: 'off', GOFIPS140: 'off' };
}
