/** Images of others whose model files are read for their smoke test: tars and lists that are mutated. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Descriptor, mediaTypes } from '../../scripts/image/types.ts';
import { openImageFiles } from '../../scripts/kserve/image-files/image-files.ts';
import { MemoryStore, tarOf, trueDraft } from '../support/draft-image.ts';
import { fuzz } from '../support/fuzz.ts';
import { hugeDocuments } from '../support/hostile-values.ts';
import { directory, pax } from '../support/odd-tars.ts';

const never = new AbortController().signal;
const [layer] = trueDraft().model;
const tar = tarOf({
  compression: 'none',
  members: [
    directory('models/'),
    { name: 'models/a', content: 'x'.repeat(700), before: pax('path', 'models/longer') },
    ...(layer?.members ?? []),
  ],
});

/** Reads the first and last bytes of every file of an image with one layer. */
async function readAll(bytes: Buffer, annotations?: Record<string, string>): Promise<void> {
  const store = new MemoryStore();
  const descriptor = store.put(bytes, mediaTypes.layer);
  const layers: Descriptor[] = [{ ...descriptor, ...(annotations && { annotations }) }];
  const config = store.put(Buffer.from('{}'), mediaTypes.config);
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
  const root = store.put(Buffer.from(JSON.stringify(manifest)), mediaTypes.manifest);
  await using files = await openImageFiles(store, root, never);
  for (const path of files.paths.slice(0, 50)) {
    const size = files.size(path) ?? 0;
    expect((await files.read(path, 0, 1000)).length).toBeLessThanOrEqual(1000);
    await files.read(path, Math.max(0, size - 10), 20);
  }
}

it('a mutated tar is read or refused', async () => {
  const at = fc.nat({ max: tar.length - 1 });
  const put = fc.uint8Array({ minLength: 1, maxLength: 12 });
  const edits = fc.array(fc.tuple(at, put), { minLength: 1, maxLength: 5 });
  const mutated = fc.tuple(edits, fc.option(at)).map(([list, cut]) => {
    const bytes = Buffer.from(tar);
    for (const [from, part] of list) bytes.set(part.subarray(0, bytes.length - from), from);
    return cut === null ? bytes : bytes.subarray(0, cut);
  });
  const { accepted, refused } = await fuzz(mutated, (bytes) => readAll(bytes), { runs: 500 });
  expect(accepted).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

it('a mutated list of files is read or refused', async () => {
  const path = fc.oneof(
    fc.constantFrom('models/longer', 'models/README.md', '__proto__', 'models/', '/etc/passwd'),
    fc.string(),
  );
  const size = fc.oneof(fc.constantFrom(0, 700, -1, 2 ** 53, 1e300), fc.integer());
  const list = fc.array(fc.record({ path, size }, { requiredKeys: [] }), { maxLength: 5 });
  const text = fc.oneof(
    list.map((value) => JSON.stringify(value)),
    fc.json(),
  );
  const read = (value: string) => readAll(tar, { 'dev.modelcars.layer.files': value });
  const { accepted } = await fuzz(text, read, { runs: 300, always: hugeDocuments.slice(0, 3) });
  expect(accepted).toBeGreaterThan(0);
});
