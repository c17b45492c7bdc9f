import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars } from '../parts/cli.ts';
import { docker, kindClusters, missingClusters } from './_cluster.ts';
import { catalog, classics, expectAllPassed, smoke } from './_smoke.ts';

describe.skipIf(missingClusters())('a cluster that smoke makes and deletes', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-smoke-'));
    const flags = ['--file', catalog, '--base', 'embedded', '--platform', 'linux/amd64'];
    await modelcars(['build', ...classics, ...flags, '--output', 'layout'], { cwd: folder });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test("KServe 0.16: the built image returns the correct prediction under OpenShift's and uidModelcar's security contexts", async () => {
    // That release's runtime is MLServer 1.5, for which nothing is pinned here.
    const runtime = ['--with-runtime', '--server-image', 'docker.io/seldonio/mlserver:1.7.1'];
    const which = [...classics, '--file', catalog, '--layout', 'layout'];
    const smoked = await smoke([...which, ...runtime], { cwd: folder, version: 'v0.16.0' });
    expectAllPassed(smoked, 2 * classics.length);
    expect(new Set(smoked.results.map(({ security }) => security))).toEqual(
      new Set(['openshift', 'modelcar']),
    );
    expect(await kindClusters()).toEqual([]);
    expect(await docker('ps', '--all', '--quiet')).toBe('');
    expect((await readdir(join(folder, '.store', 'smoke'))).filter((name) => name.endsWith('.json'))).toEqual(
      [],
    );
  });
});
