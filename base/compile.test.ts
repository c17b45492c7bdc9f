import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pinnedGo, requireGo } from './compile.ts';

const source = import.meta.dirname;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-go-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** An environment whose `go` is a script. */
async function withGo(script: string): Promise<Record<string, string>> {
  await writeFile(join(folder, 'go'), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'go'), 0o755);
  // SHLVL: some builds of bash read ~/.bashrc, which may set PATH, when they take themselves for a remote login.
  return { PATH: `${folder}${delimiter}/usr/bin${delimiter}/bin`, SHLVL: '1' };
}

test('accepts the pinned Go version', async () => {
  const version = await pinnedGo(source);
  expect(version).toMatch(/^go1\.\d+\.\d+$/);
  expect(await requireGo(source, await withGo(`echo ${version}`))).toBe(version);
});

test('refuses another Go version, whose output would differ, and prints the fix', async () => {
  const version = await pinnedGo(source);
  await expect(requireGo(source, await withGo('echo go1.99.0'))).rejects.toMatchObject({
    message: `compile the embedded base: it needs ${version}: this is go1.99.0`,
    next: expect.stringContaining(`GOTOOLCHAIN=${version}`),
  });
});

test('reports the error output of a broken Go', async () => {
  const broken = await withGo('echo "go: cannot find GOROOT" >&2; exit 2');
  await expect(requireGo(source, broken)).rejects.toThrow('go: cannot find GOROOT');
});
