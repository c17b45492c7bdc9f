/** What `manifest` prints, judged by the definitions and webhooks of KServe's releases, without a cluster. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { loadCatalog } from '../../scripts/catalog/load.ts';
import { ModelcarsError } from '../../scripts/errors.ts';
import { type Admission, kserveWebhooks } from '../parts/kserve-webhooks.ts';
import { kserveVersions } from '../parts/kube/kserve.ts';
import { PartMissing, partsRequired } from '../parts/parts.ts';
import { applied, drift } from '../support/admissions.ts';

/** The judges by release; undefined without Go, unless parts are required. */
const judges = await Promise.all(
  kserveVersions.map(async (version) => [version, await kserveWebhooks(version)] as const),
).catch((error: unknown) => {
  if (!(error instanceof PartMissing) || partsRequired()) throw error;
  return undefined;
});

describe.skipIf(judges === undefined).each(kserveVersions)('KServe %s', (version) => {
  const admissions = new Map<string, Admission>();
  beforeAll(async () => {
    const judge = new Map(judges).get(version);
    const answers = (await judge?.(applied.map(({ object }) => object))) ?? [];
    for (const [at, { title }] of applied.entries()) admissions.set(title, answers[at] ?? {});
  });

  test.each(applied)('$title', ({ title, object, refuses, rewrites }) => {
    const { problem, stored } = admissions.get(title) ?? {};
    const refusal = refuses?.[version];
    if (refusal !== undefined) expect(problem).toMatch(refusal);
    else {
      expect(problem).toBeUndefined();
      // Nothing that Argo CD would report as changed.
      expect(drift(object, stored)).toEqual(rewrites?.[version] ?? []);
    }
  });
});

describe('modelcars', () => {
  test.each(applied.filter(({ ours }) => ours !== undefined))('$title', async ({ ours }) => {
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-admissions-'));
    try {
      const file = join(folder, 'models.yaml');
      await writeFile(file, stringify({ models: [ours?.entry] }));
      const error = await loadCatalog(file).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (ours?.refuses === undefined) expect(error).toBeUndefined();
      else {
        expect(error).toBeInstanceOf(ModelcarsError);
        expect((error as ModelcarsError).message).toMatch(ours.refuses);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

test('drift is a changed field or list, and no field that was added', () => {
  const written = { a: 1, list: [{ name: 'x' }], map: { b: '1' } };
  expect(drift(written, { map: { c: 1, b: '1' }, list: [{ name: 'x' }], a: 1, d: 2 })).toEqual([]);
  expect(drift(written, { a: 2, list: [{ name: 'x', value: '' }], map: {} })).toEqual([
    '.a',
    '.list',
    '.map.b',
  ]);
});
