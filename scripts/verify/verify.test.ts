import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  baseDigest,
  files,
  type LayerDraft,
  MemoryStore,
  makeImage,
  trueDraft,
} from '../../tests/support/draft-image.ts';
import { tamperings } from '../../tests/support/tampered-images/all.ts';
import { ModelcarsError } from '../errors.ts';
import type { Check } from './check.ts';
import * as annotations from './rules/annotations.ts';
import * as completeness from './rules/completeness.ts';
import * as contents from './rules/contents.ts';
import * as documents from './rules/documents.ts';
import { documentRules, layerRules } from './rules/index.ts';
import * as members from './rules/members.ts';
import { type VerifyOptions, verifyImage } from './verify.ts';

const name = 'iris:v1';
const platforms = ['linux/amd64', 'linux/arm64'];
const rules = [...documentRules, ...layerRules].map((rule) => rule.name);
const base = Object.fromEntries(platforms.map((platform) => [platform, baseDigest]));

function verify(store: MemoryStore, more: Partial<VerifyOptions> = {}, as = name) {
  const served = [{ anyOf: ['model.joblib', 'model.pkl'], why: 'it looks for no other' }];
  return verifyImage(store, as, { files, served, base, platforms, ...more });
}

describe('a valid image', () => {
  test.each(['none', 'gzip', 'zstd'] as const)('with %s layers passes every rule', async (compression) => {
    const store = makeImage(trueDraft(compression));
    const seen: Check[] = [];
    const { digest, checks } = await verify(store, { onCheck: (check) => seen.push(check) });
    expect(digest).toBe(store.tags.get(name)?.digest);
    expect(checks).toEqual(seen);
    expect([...new Set(checks.map((check) => check.rule))]).toEqual(rules);
    expect(checks.find((check) => check.rule === 'modes')?.text).toContain(
      '3 files 0444, 4 directories 0555',
    );
    expect(checks.find((check) => check.rule === 'media types')?.text.includes('oci+fetch')).toBe(
      compression === 'zstd',
    );
    expect(checks.filter((check) => check.rule === 'tools').map((check) => check.platform)).toEqual(
      platforms,
    );
  });

  test('is read once per layer, however many platforms share it', async () => {
    const store = makeImage(trueDraft());
    let read = 0;
    await verify(store, { onBytes: (count) => (read += count) });
    expect(store.opened).toHaveLength(5);
    expect(new Set(store.opened).size).toBe(5);
    const stored = store.opened.reduce((total, digest) => total + (store.blobs.get(digest)?.length ?? 0), 0);
    expect(read).toBe(stored);
  });

  test('passes with chunks of any size', async () => {
    for (const chunkSize of [1, 511, 513, 1_000_000]) {
      const store = makeImage(trueDraft('gzip'));
      store.chunkSize = chunkSize;
      await expect(verify(store)).resolves.toBeDefined();
    }
  });

  test('must have the layers of the locked base if the manifest of the base is available', async () => {
    const draft = trueDraft();
    const store = makeImage(draft);
    const baseStore = new MemoryStore();
    const put = (digests: string[]) => {
      const layers = digests.map((digest) => ({ mediaType: 'any', digest, size: 1 }));
      const config = { mediaType: 'any', digest: baseDigest, size: 1 };
      const manifest = { schemaVersion: 2, mediaType: 'any', config, layers };
      const descriptor = baseStore.put(Buffer.from(JSON.stringify(manifest, null, 2)), 'any');
      baseStore.tags.set(descriptor.digest, descriptor);
      return descriptor.digest;
    };
    const layers = draft.base.map((layer) => makeImage({ ...draft, base: [layer], model: [] }));
    const digests = layers.map((one) => [...one.blobs.keys()][0] ?? '');
    const judge = (digest: string) => {
      const own = { ...draft, editManifest: annotate(digest) };
      return verify(makeImage(own), { base: { 'linux/amd64': digest, 'linux/arm64': digest }, baseStore });
    };
    const { checks } = await judge(put(digests));
    expect(checks.find((check) => check.rule === 'base')?.text).toMatch(/2 layers below the model's/);
    await expect(judge(put(digests.toReversed()))).rejects.toThrow(
      /layer 1 is sha256:.*locked base is sha256:/,
    );
    expect(store.opened).toEqual([]);
  });
});

function annotate(digest: string) {
  return (manifest: { annotations: Record<string, string> }) => {
    manifest.annotations['org.opencontainers.image.base.digest'] = digest;
  };
}

describe('a tampered image', () => {
  test.each(Object.values(tamperings).flat())(
    'is refused by the rule `$rule`: $change',
    async ({ rule, message, next, draft, store: editStore, options, name: as }) => {
      const image = trueDraft();
      draft?.(image);
      const store = makeImage(image);
      editStore?.(store);
      const passed = new Set<string>();
      const onCheck = (check: Check) => passed.add(check.rule);
      const error: unknown = await verify(store, { ...options, onCheck }, as).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).toBeInstanceOf(ModelcarsError);
      if (!(error instanceof ModelcarsError)) return;
      expect(error.message).toMatch(message);
      expect(error.message).toMatch(/^verify (iris:v1|sha256:\w{64})( \((linux\/a\w+64|sha256:\w{12})\))?: /);
      expect(error.code).toBe('integrity');
      expect(error.next).toMatch(next ?? /./);
      // All rules before the broken one passed.
      expect(rules.find((one) => !passed.has(one))).toBe(rule);
    },
  );

  test('exists for every rule, in the file of the same name', () => {
    const files = { annotations, completeness, contents, documents, members };
    const fileOf = new Map(
      Object.entries(files).flatMap(([file, checks]) =>
        Object.values(checks).map((check) => [check as unknown, file] as const),
      ),
    );
    // The rule `documents` is in rules/index.ts: readDocuments does its work.
    const expected = [...documentRules, ...layerRules].map((rule) => [
      rule.name,
      fileOf.get('check' in rule ? rule.check : rule.checkPlatform) ?? 'documents',
    ]);
    const actual = Object.entries(tamperings).flatMap(([file, list]) => list.map(({ rule }) => [rule, file]));
    expect(Object.fromEntries(actual)).toEqual(Object.fromEntries(expected));
  });

  test('is refused for any changed byte and any truncation of a blob', async () => {
    const stores = (['none', 'gzip', 'zstd'] as const).map((compression: LayerDraft['compression']) =>
      makeImage(trueDraft(compression)),
    );
    const anywhere = fc.record({
      store: fc.constantFrom(...stores),
      blob: fc.nat(),
      at: fc.nat(),
      flip: fc.integer({ min: 1, max: 255 }),
      cut: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(anywhere, async ({ store, blob, at, flip, cut }) => {
        const tampered = new MemoryStore();
        for (const [digest, bytes] of store.blobs) tampered.blobs.set(digest, bytes);
        for (const [tag, descriptor] of store.tags) tampered.tags.set(tag, descriptor);
        const [digest, bytes] = [...store.blobs][blob % store.blobs.size] ?? ['', Buffer.alloc(1)];
        const place = at % bytes.length;
        const changed = Buffer.from(cut ? bytes.subarray(0, place) : bytes);
        if (!cut) changed[place] = (changed[place] ?? 0) ^ flip;
        tampered.blobs.set(digest, changed);
        const error: unknown = await verify(tampered).catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(ModelcarsError);
      }),
      { numRuns: 300 },
    );
  });
});

test('stops when the signal aborts', async () => {
  const stop = new AbortController();
  const store = makeImage(trueDraft());
  const reason = new ModelcarsError('cancelled', 'stopped');
  const run = verify(store, { signal: stop.signal, onBytes: () => stop.abort(reason) });
  await expect(run).rejects.toBe(reason);
  expect(store.opened.length).toBeLessThan(5);
});
