import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelcars, type SpawnOptions } from '../../tests/support/run-program.ts';

const sample = fileURLToPath(new URL('../../frameworks/sklearn/model.joblib', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-run-'));
  await mkdir(join(folder, 'iris'));
  await cp(sample, join(folder, 'iris', 'model.joblib'));
  await mkdir(join(folder, 'endless'));
  // A sparse file of 200 GB: reading it takes longer than any test waits.
  const endless = await open(join(folder, 'endless', 'model.joblib'), 'w');
  await endless.truncate(200_000_000_000);
  await endless.close();
  const entry = (name: string) =>
    `  - name: ${name}\n    framework: sklearn\n    source: file:${name}\n    version: v1.0.0\n`;
  const head = 'defaults:\n  base: embedded\nmodels:\n';
  await writeFile(join(folder, 'models.yaml'), head + entry('iris'));
  await writeFile(join(folder, 'broken.yaml'), head + entry('iris') + entry('nowhere'));
  await writeFile(join(folder, 'endless.yaml'), head + entry('endless'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(words: string[], options: SpawnOptions = {}) {
  const env = { MODELCARS_STORE: join(folder, 'store'), ...options.env };
  return modelcars(words, { cwd: folder, ...options, env });
}

describe('from catalog to image', () => {
  it('locks, lists, builds, verifies, inspects and cleans', async () => {
    expect((await run(['lock'])).code).toBe(0);
    expect((await run(['list'])).stdout).toMatch(/^iris +sklearn +file:iris .* locked$/m);

    const planned = await run(['build', '--dry-run', '--json']);
    expect(JSON.parse(planned.stdout)).toMatchObject({
      ok: true,
      dryRun: true,
      models: [{ status: 'planned' }],
    });
    expect(await readdir(folder)).not.toContain('out');

    const built = await run(['build']);
    expect(built.code).toBe(0);
    expect(built.stdout).toMatch(/^iris:v1\.0\.0 +sha256:[0-9a-f]{64} .* done$/m);
    expect(built.stderr).toMatch(/^iris: started\niris: .*\(/);

    const again = JSON.parse((await run(['build', '--json'])).stdout);
    expect(again.models[0].status).toBe('unchanged');
    expect(built.stdout).toContain(again.models[0].digest);

    const verified = await run(['verify']);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toMatch(/✓ modes +1 file 0444/);

    const inspected = await run(['inspect', 'iris:v1.0.0', '--json']);
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      name: 'iris:v1.0.0',
      digest: again.models[0].digest,
    });

    const cleaned = await run(['clean', '--json']);
    expect(JSON.parse(cleaned.stdout)).toMatchObject({ ok: true, removed: ['out'] });
    expect(await readdir(folder)).not.toContain('out');
  });

  it('continues with the other models when one fails, and exits with 1', async () => {
    const { code, stdout, stderr } = await run(['build', '-f', 'broken.yaml', '-o', 'some', '--no-frozen']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^iris:v1\.0\.0 .* done$/m);
    expect(stdout).toMatch(/^nowhere .* failed$/m);
    expect(stderr).toMatch(/error: nowhere: .*\nnext: /);
    expect(stderr).toContain('1 done, 1 failed');
    expect((await run(['verify', 'iris', '--layout', 'some'])).code).toBe(0);
  });

  it('shows nothing on stderr with --no-progress and DISABLE_PROGRESS', async () => {
    expect((await run(['lock', '--no-progress', '--json'])).stderr).toBe('');
    expect((await run(['lock', '--json'], { env: { DISABLE_PROGRESS: 'true' } })).stderr).toBe('');
  });
});

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s stops the run, leaves no partial files and exits with %d', async (signal, expected) => {
    const before = await readdir(folder);
    let sent = false;
    const { code, stderr } = await run(['lock', '-f', 'endless.yaml'], {
      onStderr(soFar, kill) {
        if (!sent && soFar.includes('started')) {
          sent = true;
          kill(signal);
        }
      },
    });
    expect(code).toBe(expected);
    expect(stderr).toContain('stopping…');
    expect(stderr).not.toMatch(/^\s+at |this is a bug/m);
    expect(await readdir(folder)).toEqual(before);
  });

  it('with --json still prints one document', async () => {
    const { code, stdout } = await run(['lock', '-f', 'endless.yaml', '--json'], {
      onStderr: (soFar, kill) => soFar.endsWith('started\n') && kill('SIGINT'),
    });
    expect(code).toBe(130);
    expect(JSON.parse(stdout).error.code).toBe('cancelled');
  });
});

it('exits silently when the reader of stdout closes it', async () => {
  const script = fileURLToPath(new URL('../modelcars.ts', import.meta.url));
  const child = spawn(process.execPath, [script, 'version'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await new Promise((resolve) => child.on('close', resolve));
  expect(stderr).toBe('');
});
