import { expect, it } from 'vitest';
import { Folder } from '../../../tests/support/catalog-folder.ts';
import { loadCatalog } from '../../catalog/load.ts';
import { registriesOf } from './registries.ts';
import type { DoctorOptions } from './types.ts';

it('are those pushed to, those of base images and those of oci:// sources, through mirrors', async () => {
  await using folder = await Folder.make();
  const catalog = await loadCatalog(
    await folder.catalog(`registry: quay.io/me
mirrors: {ghcr.io: mirror.lan/ghcr}
defaults: {base: base.lan/ubi}
models:
  - {name: a, framework: testing, source: "oci://quay.io/me/a:v1"}
  - {name: b, framework: testing, source: "oci://ghcr.io/org/b:v1"}
`),
  );
  const uses = registriesOf({ catalog }, { overrides: {} } as DoctorOptions);
  expect(uses.map(({ reference, push, models }) => [reference.registry, push, models])).toEqual([
    ['quay.io', true, false],
    ['base.lan', false, false],
    ['mirror.lan', false, true],
  ]);
});
