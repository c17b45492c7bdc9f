/** The completion scripts in real shells, which find the program under its installed name. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageFile } from '../../package.ts';

const script = packageFile('scripts/modelcars.ts');

describe.each(['bash', 'zsh', 'fish'])('in %s', (shell) => {
  const missing = spawnSync(shell, ['--version']).error !== undefined;

  it.skipIf(missing)('the script completes commands, values and models', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-shell-'));
    try {
      const program = join(folder, 'modelcars');
      await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`, { mode: 0o755 });
      const entry = '{name: fraud, framework: sklearn, source: "file:x"}';
      await writeFile(join(folder, 'models.yaml'), `models:\n  - ${entry}\n`);
      const load = `source <(modelcars completion ${shell})`;
      // What each shell's completion system calls, without a terminal.
      const ask = {
        bash: (words: string[]) =>
          `${load}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _modelcars; echo "\${COMPREPLY[@]}"`,
        zsh: (words: string[]) =>
          `compdef() { :; }; _describe() { print -l "\${(@P)2%%:*}"; }; _files() { :; }; ${load}; words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}; _modelcars`,
        fish: (words: string[]) => `modelcars completion fish | source; complete -C "${words.join(' ')}"`,
      }[shell] as (words: string[]) => string;
      const complete = (...words: string[]) => {
        const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, HOME: folder };
        const options = { cwd: folder, env, encoding: 'utf8' } as const;
        const flags = shell === 'fish' ? ['-c'] : [shell === 'zsh' ? '-f' : '--norc', '-c'];
        const { stdout, stderr } = spawnSync(shell, [...flags, ask(words)], options);
        expect(stderr).toBe('');
        return stdout.split(/\s+/);
      };
      expect(complete('modelcars', 'pus')).toContain('push');
      expect(complete('modelcars', 'push', 'fr')).toContain('fraud');
      expect(complete('modelcars', 'build', '--compression', 'zs')).toContain('zstd');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
