import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCatalog, root, tryModelcars } from '../parts/cli.ts';
import { grypeEnvironment, plantDatabase } from '../parts/grype-db.ts';
import { pushNodeBase } from '../parts/nodebase.ts';
import { missingParts, part } from '../parts/parts.ts';
import { startRegistry } from '../parts/registry.ts';
import { run as runProgram } from '../parts/run.ts';

const missing = await missingParts('grype');
const missingRegistry = missing ?? (await missingParts('docker-registry'));

/** The embedded base has both modules (base/go.mod). */
const high = {
  id: 'GHSA-high-high-high',
  ecosystem: 'go-module',
  package: 'golang.org/x/term',
  severity: 'high',
  below: '99.1.0',
} as const;
const own = { ...high, id: 'GHSA-ownn-ownn-ownn', ecosystem: 'npm', package: 'modelcars' } as const;
const low = { ...high, id: 'GHSA-lows-lows-lows', package: 'mvdan.cc/sh/v3', severity: 'low' } as const;

describe.skipIf(missing)('grype', () => {
  let folder: string;
  let environment: Record<string, string>;

  /** Runs modelcars with the real grype on PATH, and a database of this test or none. */
  const run = async (args: string[], env: Record<string, string> = {}) =>
    await tryModelcars(args, { cwd: folder, env: { ...environment, ...env } });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-grype-'));
    await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'a model' } }]);
    await plantDatabase(join(folder, 'database'), [high, low, own]);
    environment = {
      ...grypeEnvironment(join(folder, 'database')),
      PATH: `${dirname(await part('grype'))}:${process.env.PATH}`,
    };
  }, 1_800_000);
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  const base = ['--base', 'embedded', '--platform', 'linux/amd64,linux/arm64'];

  test('finds a hole planted in the Go modules of the embedded base, on both platforms', async () => {
    const { code, stdout } = await run(['scan', ...base, '--json']);
    expect(code).toBe(1);
    const { models } = JSON.parse(stdout);
    expect(models[0].error).toMatchObject({
      code: 'scan',
      message: expect.stringMatching(
        /HIGH GHSA-high-high-high: golang\.org\/x\/term v[\d.]+, fixed in 99\.1\.0$/,
      ),
    });
    expect(models[0].scan.images).toHaveLength(2);
    for (const image of models[0].scan.images) expect(image).toMatchObject({ counts: { high: 1, low: 1 } });
  });

  test('blocks a build, and the built image does not exist', async () => {
    const { code, stderr } = await run(['build', ...base, '--scan', '--output', 'blocked']);
    expect(code).toBe(1);
    expect(stderr).toContain('golang.org/x/term');
    expect((await run(['inspect', 'iris:v1.0.0', '--layout', 'blocked'])).code).toBe(1);
  });

  test('lets pass what is less severe, and what its own ignore file names', async () => {
    expect((await run(['scan', ...base, '--fail-on', 'critical'])).code).toBe(0);
    await writeFile(join(folder, '.grype.yaml'), `ignore:\n  - vulnerability: ${high.id}\n`);
    expect((await run(['scan', ...base])).code).toBe(0);
    expect((await run(['scan', ...base, '--fail-on', 'low'])).code).toBe(1);
    await rm(join(folder, '.grype.yaml'));
  });

  test('without a database is an error, not a pass', async () => {
    const nowhere = join(folder, 'nowhere');
    await mkdir(nowhere, { recursive: true });
    const { code, stderr } = await run(['scan', ...base], { GRYPE_DB_CACHE_DIR: nowhere });
    expect(code).toBe(1);
    expect(stderr).toContain('run grype: no usable database');
    expect(stderr).toContain('grype db update');
  });

  test.skipIf(missingRegistry)('finds a hole in what a loader adds to its base', async () => {
    // In a checkout the image is made of the built program.
    await runProgram('npm', ['run', 'build'], { cwd: root });
    const registry = await startRegistry({ kind: 'docker-registry' });
    try {
      const image = await pushNodeBase(registry.host, 'bases/node');
      const entry = `models:\n  - {name: loader, image: loader, base: "${image}", platforms: [linux/amd64]}\n`;
      await writeFile(join(folder, 'loader.yaml'), entry);
      expect((await run(['lock', '-f', 'loader.yaml'])).code).toBe(0);
      const { code, stdout } = await run(['scan', '-f', 'loader.yaml', '--json']);
      expect(code).toBe(1);
      const [{ error, scan }] = JSON.parse(stdout).models;
      expect(error.message).toMatch(
        /^scan loader \(linux\/amd64\): .*\n {2}HIGH GHSA-ownn-ownn-ownn: modelcars /,
      );
      expect(scan.images).toMatchObject([{ image: 'loader', platform: 'linux/amd64', counts: { high: 1 } }]);
    } finally {
      await registry.stop();
    }
  });
});
