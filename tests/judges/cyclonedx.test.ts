/** The official CycloneDX library for Python validates bills of materials, and rejects broken ones. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bomOf } from '../../scripts/trust/attestations/bom/bom.ts';
import type { Bom } from '../../scripts/trust/attestations/bom/types.ts';
import { softwareOf } from '../../scripts/trust/attestations/packages/software.ts';
import { modelcars, root } from '../parts/cli.ts';
import { cycloneDx } from '../parts/cyclonedx.ts';
import { missing } from '../parts/python.ts';
import { tryRun } from '../parts/run.ts';
import { attestedImage } from '../support/attested-image.ts';

const lacking = await missing(cycloneDx);
const script = fileURLToPath(new URL('bom.py', import.meta.url));

describe.skipIf(lacking)('the CycloneDX library', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-cyclonedx-'));
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  async function judge(text: string) {
    const file = join(folder, 'bom.json');
    await writeFile(file, text);
    return await tryRun('sh', ['-c', 'exec "$0" "$1" < "$2"', await cycloneDx(), script, file]);
  }

  test('validates what `bom` prints of a model on the embedded base', async () => {
    await mkdir(join(folder, 'iris'));
    await cp(join(root, 'frameworks/sklearn/model.joblib'), join(folder, 'iris/model.joblib'));
    const model = '{name: iris, framework: sklearn, source: "file:iris", base: embedded, licenses: MIT}';
    await writeFile(join(folder, 'models.yaml'), `version: v1.0.0\nmodels: [${model}]\n`);
    await modelcars(['lock'], { cwd: folder });
    const text = await modelcars(['bom', 'iris'], { cwd: folder });
    const { code, stdout, stderr } = await judge(text);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      serial: (JSON.parse(text) as Bom).serialNumber,
      purls: expect.arrayContaining(['pkg:golang/mvdan.cc/sh/v3@v3.14.1']),
    });
  });

  /** The bill of materials of a hub model on a base with packages of every kind. */
  async function everything(): Promise<Bom> {
    const compressed = await readFile(new URL('../support/rpmdb.sqlite.gz', import.meta.url));
    const text = (lines: string) => Buffer.from(lines);
    const records = new Map<string, Uint8Array>([
      ['usr/lib/os-release', text('ID="rhel"\nVERSION_ID="10.0"\nPRETTY_NAME="RHEL \u{1f9e2}"\n')],
      ['usr/lib/sysimage/rpm/rpmdb.sqlite', gunzipSync(compressed)],
      [
        'var/lib/dpkg/status',
        text('Package: libstdc++6\nVersion: 1:12.2.0-14+deb12u1\nArchitecture: amd64\n'),
      ],
      ['lib/apk/db/installed', text('P:so:odd~name\nV:1.0_rc1-r0\nL:MIT AND (odd)\n')],
      ['var/lib/rpm/Packages', text('x')],
    ]);
    const modules = 'dep\tgithub.com/Masterminds/semver/v3\tv3.2.0-rc.1+incompatible\th1:x=\n';
    const software = await softwareOf(records, new Map([['bin/x', { version: 'go1.26.8', modules }]]));
    const both = new Map(['linux/amd64', 'linux/arm64'].map((platform) => [platform, software]));
    return bomOf(attestedImage({ epoch: 1_700_000_000 }), both);
  }

  test('validates that of a hub model on a base with packages of every kind', async () => {
    const { code, stdout, stderr } = await judge(JSON.stringify(await everything()));
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).purls.length).toBeGreaterThan(6);
  });

  test.each<[string, (bom: Bom) => object, RegExp]>([
    ['a serial number that is none', (bom) => ({ ...bom, serialNumber: 'urn:uuid:1' }), /not valid: /],
    ['a field that CycloneDX does not know', (bom) => ({ ...bom, modelCards: [] }), /not valid: /],
    [
      'a dependency without a component',
      (bom) => ({ ...bom, dependencies: [{ ref: 'image', dependsOn: ['nowhere'] }] }),
      /UnknownComponentDependency/,
    ],
  ])('rejects %s', async (_, change, reason) => {
    const { code, stderr } = await judge(JSON.stringify(change(await everything())));
    expect(code).toBe(1);
    expect(stderr).toMatch(reason);
  });
});
