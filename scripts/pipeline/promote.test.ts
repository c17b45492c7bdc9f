import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trueDraft } from '../../tests/support/draft-image.ts';
import { type FakeOptions, type FakeRegistry, sha256, startFake } from '../../tests/support/fake-registry.ts';
import {
  attach,
  contentFrom,
  contents,
  openSource,
  promoteOne,
  promotionOf,
  pushDraft,
  pushSigned,
  signOlder,
  tagsAt,
  versioned,
  writes,
} from '../../tests/support/promote-images.ts';
import type { Descriptor } from '../image/types.ts';
import { Referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/repository.ts';

type Intercept = NonNullable<FakeOptions['intercept']>;

let dev: FakeRegistry;
let prod: FakeRegistry;
/** What the destination does with a request before it answers it. */
let intercept: Intercept | undefined;
let source: Awaited<ReturnType<typeof openSource>>;
let repository: Repository;
beforeEach(async () => {
  intercept = undefined;
  dev = await startFake({ referrersPage: 2 });
  prod = await startFake({ referrersPage: 2, intercept: (...request) => intercept?.(...request) });
  source = openSource(dev);
  repository = source.repository;
});
afterEach(async () => {
  for (const one of [source, dev, prod]) await one[Symbol.asyncDispose]();
});

describe('promote', () => {
  it.each([
    ['without referrers API', undefined],
    ['with referrers API', 10],
  ])('copies image, platforms and signatures by digest, to a registry %s', async (_, referrersPage) => {
    const { root, platforms, signatures } = await pushSigned(repository);
    await using to = await startFake(referrersPage === undefined ? {} : { referrersPage });
    const { outcome, warnings } = await promoteOne(promotionOf(dev, to));
    expect(outcome).toMatchObject({
      status: 'done',
      name: `${to.host}/prod/iris`,
      from: `${dev.host}/me/iris@${root.digest}`,
      digest: root.digest,
      platforms: ['linux/amd64', 'linux/arm64'],
      referrers: 10,
    });
    expect(warnings).toEqual([]);
    expect(contents(to, 'prod/iris')).toEqual(contents(dev, 'me/iris'));
    const older = platforms.map(({ digest }) => `${digest.replace(':', '-')}.sig`);
    const tags = tagsAt(to);
    expect(tags).toEqual(expect.arrayContaining(['v1.2.3', 'v1.2', 'v1', 'latest', ...older]));
    for (const tag of tags.filter((one) => /\.(sig|att|sbom)$/.test(one)))
      expect(to.manifests.get(`prod/iris ${tag}`)).toEqual(dev.manifests.get(`me/iris ${tag}`));
    expect(to.manifests.get('prod/iris v1.2.3')?.bytes).toEqual(dev.manifests.get('me/iris v1.2.3')?.bytes);
    if (referrersPage === undefined) {
      const listed = JSON.parse(
        String(to.manifests.get(`prod/iris ${root.digest.replace(':', '-')}`)?.bytes),
      );
      expect(listed.manifests).toEqual([
        expect.objectContaining({ digest: signatures[0]?.digest, artifactType: expect.any(String) }),
        expect.objectContaining({ digest: signatures[3]?.digest, annotations: { text: 'attestation' } }),
      ]);
    }
  });

  it('sends nothing the second time', async () => {
    await pushSigned(repository);
    await promoteOne(promotionOf(dev, prod));
    const before = writes(prod).length;
    const { outcome } = await promoteOne(promotionOf(dev, prod));
    expect(outcome).toMatchObject({ status: 'unchanged', sent: 0 });
    expect(writes(prod).length).toBe(before);
  });

  it('sends a signature that was added since, and nothing else', async () => {
    const { root } = await pushSigned(repository);
    await promoteOne(promotionOf(dev, prod));
    const before = writes(prod).length;
    const { digest } = await attach(repository, root, 'approved');
    await signOlder(repository, root, ['first', 'approved']);
    const { outcome } = await promoteOne(promotionOf(dev, prod));
    expect(outcome.status).toBe('done');
    expect(prod.manifests.has(`prod/iris ${digest}`)).toBe(true);
    const sig = `${root.digest.replace(':', '-')}.sig`;
    expect(prod.manifests.get(`prod/iris ${sig}`)).toEqual(dev.manifests.get(`me/iris ${sig}`));
    const manifests = writes(prod)
      .slice(before)
      .filter(({ path }) => path.includes('/manifests/'))
      .map(({ path }) => path.split('/manifests/')[1]);
    expect(manifests).not.toContain(root.digest);
    expect(manifests).not.toContain('v1.2.3');
  });

  it('writes blobs, platforms, signatures, the index and the tags, in this order', async () => {
    const { root, platforms, signatures } = await pushSigned(repository);
    await promoteOne(promotionOf(dev, prod));
    const [amd64, arm64] = platforms.map(({ digest }) => digest);
    const written = writes(prod)
      .map(({ path }) => path)
      .map((path) => (path.includes('/blobs/') ? 'blob' : (path.split('/manifests/')[1] ?? '')));
    const places = [
      [written.lastIndexOf('blob')],
      [amd64, arm64].map((one) => written.indexOf(one ?? '')),
      signatures.map(({ digest }) => written.indexOf(digest)),
      [written.indexOf(`${root.digest.replace(':', '-')}.sig`)],
      [written.indexOf(root.digest)],
      [written.indexOf('v1.2.3')],
      [written.indexOf('latest')],
    ];
    const order = places.flatMap((group) => group.toSorted((a, b) => a - b));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  it('completes at the next run what was interrupted at any write, and sets no tag before', async () => {
    await pushSigned(repository);
    const total = await (async () => {
      await promoteOne(promotionOf(dev, prod, { to: `${prod.host}/trial/iris` }));
      return writes(prod).length;
    })();
    for (const at of [5, Math.floor(total / 2), total - 5]) {
      const to = `${prod.host}/cut${at}/iris`;
      const stop = new AbortController();
      let count = 0;
      intercept = ({ method }) => {
        if (!/^(GET|HEAD)$/.test(method ?? '') && ++count === at) stop.abort();
        return undefined;
      };
      const { outcome } = await promoteOne(promotionOf(dev, prod, { to }), { signal: stop.signal });
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
      expect(tagsAt(prod, `cut${at}/iris`)).not.toContain('v1.2.3');
      intercept = undefined;
      expect((await promoteOne(promotionOf(dev, prod, { to }))).outcome.status).toBe('done');
      expect(contents(prod, `cut${at}/iris`)).toEqual(contents(dev, 'me/iris'));
      expect(tagsAt(prod, `cut${at}/iris`)).toEqual(tagsAt(prod, 'trial/iris'));
    }
  });

  it('mounts blobs within one registry', async () => {
    await pushSigned(repository);
    const before = writes(dev).length;
    const { outcome } = await promoteOne(promotionOf(dev, dev));
    expect(outcome).toMatchObject({ status: 'done' });
    const uploads = writes(dev)
      .slice(before)
      .filter(({ path }) => path.includes('/blobs/'));
    expect(uploads.length).toBeGreaterThan(5);
    expect(uploads.filter(({ path }) => !path.includes('from=me%2Firis'))).toEqual([]);
    expect(contents(dev, 'prod/iris')).toEqual(contents(dev, 'me/iris'));
  });

  it('copies two versions at once, and ends with the floating tags at the newer one', async () => {
    const one = await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3');
    const two = await pushDraft(repository, versioned('v1.3.0'), 'v1.3.0');
    const newer = promotionOf(dev, prod, { reference: 'v1.3.0', version: 'v1.3.0' });
    const { outcome } = await promoteOne(newer, { promotions: [newer, promotionOf(dev, prod)] });
    expect(outcome.status).toBe('done');
    const digestOf = (tag: string) =>
      sha256(prod.manifests.get(`prod/iris ${tag}`)?.bytes ?? Buffer.alloc(0));
    expect(['v1.2.3', 'v1.2'].map(digestOf)).toEqual([one.root.digest, one.root.digest]);
    const newest = ['v1.3.0', 'v1.3', 'v1', 'latest'].map(digestOf);
    expect(new Set(newest)).toEqual(new Set([two.root.digest]));
  });

  it('copies a layer of any type as a blob', async () => {
    const { root } = await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3');
    const layer = await repository.write(contentFrom(Buffer.from('{}')));
    const layers = [{ ...layer, mediaType: root.mediaType }];
    const document = { schemaVersion: 2, config: layer, layers, subject: root };
    const listed = { artifactType: 'application/x', annotations: {} };
    const bytes = Buffer.from(JSON.stringify(document));
    await new Referrers(repository).attachManifest(root.digest, bytes, listed);
    expect((await promoteOne(promotionOf(dev, prod))).outcome).toMatchObject({
      status: 'done',
      referrers: 1,
    });
    expect(prod.blobs.get(`prod/iris ${layer.digest}`)?.toString()).toBe('{}');
    expect(prod.manifests.has(`prod/iris ${layer.digest}`)).toBe(false);
  });

  it('copies a loader, which is no model', async () => {
    const loader = {
      ...trueDraft(),
      editConfig: ({ config }: { config: Record<string, unknown> }) => {
        config.Entrypoint = ['node'];
      },
      editIndex: ({ annotations }: { annotations: Record<string, string> }) => {
        annotations['dev.modelcars.framework'] = 'loader';
      },
    };
    const { root } = await pushDraft(repository, loader, 'v1.2.3');
    const { outcome } = await promoteOne(promotionOf(dev, prod));
    expect(outcome).toMatchObject({ status: 'done', digest: root.digest });
  });

  it('leaves floating tags at a newer version', async () => {
    await pushDraft(repository, versioned('v1.3.0'), 'v1.3.0');
    await promoteOne(promotionOf(dev, prod, { reference: 'v1.3.0', version: 'v1.3.0' }));
    await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3');
    const { outcome } = await promoteOne(promotionOf(dev, prod));
    const current = (outcome.tags ?? []).filter((one) => one.current).map(({ tag }) => tag);
    expect(current).toEqual(['v1.2.3', 'v1.2']);
  });

  it('takes the version of a digest from the image, unless the source has another image under it', async () => {
    const { root } = await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3');
    const digest = { reference: root.digest, version: undefined };
    const planned = await promoteOne(promotionOf(dev, prod, digest), { dryRun: true });
    expect(planned.outcome.tags?.map(({ tag }) => tag)).toEqual(['v1.2.3', 'v1.2', 'v1', 'latest']);
    expect(writes(prod)).toEqual([]);
    await pushDraft(repository, { ...versioned('v1.2.3'), platforms: ['linux/amd64'] }, 'v1.2.3');
    expect((await promoteOne(promotionOf(dev, prod, digest))).outcome.error?.code).toBe('tag');
    const tagged = await promoteOne(promotionOf(dev, prod, { ...digest, tags: ['candidate'] }));
    expect(tagged.outcome.tags?.map(({ tag }) => tag)).toEqual(['candidate']);
  });

  it('keeps older signatures of the destination', async () => {
    const { root } = await pushSigned(repository);
    await promoteOne(promotionOf(dev, prod));
    const sig = `${root.digest.replace(':', '-')}.sig`;
    await using at = openSource(prod);
    const target = promotionOf(dev, prod, { to: `${prod.host}/me/iris` });
    await signOlder(at.repository, root, ['first', 'of production']);
    const both = prod.manifests.get(`me/iris ${sig}`);
    expect((await promoteOne(target)).outcome.status).toBe('done');
    expect(prod.manifests.get(`me/iris ${sig}`)).toEqual(both);
    await signOlder(repository, root, ['first', 'of a third']);
    expect((await promoteOne(target)).outcome.status).toBe('done');
    const { layers } = JSON.parse(String(prod.manifests.get(`me/iris ${sig}`)?.bytes));
    const signatures = layers.map((layer: Descriptor) => Object.values(layer.annotations ?? {})[0]);
    expect(signatures.sort()).toEqual(['first', 'of a third', 'of production']);
    expect((await promoteOne(target)).outcome.status).toBe('unchanged');
    await signOlder(at.repository, root, ['of production'], 'att');
    expect((await promoteOne(target)).outcome.error?.message).toContain('and the other way round');
  });

  it('leaves out what is listed and does not refer to the image, or does not exist', async () => {
    await using old = await startFake();
    await using from = openSource(old);
    const { platforms } = await pushDraft(from.repository, versioned('v1.2.3'), 'v1.2.3');
    const [amd64, arm64] = platforms as [Descriptor, Descriptor];
    const gone = await attach(from.repository, amd64, 'deleted');
    const foreign = await attach(from.repository, arm64, 'of another');
    old.manifests.delete(`me/iris ${gone.digest}`);
    const key = `me/iris ${amd64.digest.replace(':', '-')}`;
    const listed = JSON.parse(String(old.manifests.get(key)?.bytes));
    const bytes = Buffer.from(JSON.stringify({ ...listed, manifests: [gone, foreign] }));
    const index = { type: 'application/vnd.oci.image.index.v1+json', bytes };
    old.manifests.set(key, index).set(`me/iris ${sha256(bytes)}`, index);
    const { outcome, warnings } = await promoteOne(promotionOf(old, prod));
    expect(outcome).toMatchObject({ status: 'done', referrers: 1 });
    expect(warnings).toEqual([
      expect.stringContaining('does not exist'),
      expect.stringContaining('does not refer to it'),
    ]);
  });
});
