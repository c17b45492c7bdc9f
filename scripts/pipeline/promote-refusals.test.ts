import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trueDraft } from '../../tests/support/draft-image.ts';
import { type FakeOptions, type FakeRegistry, refuse, startFake } from '../../tests/support/fake-registry.ts';
import type { Pushed } from '../../tests/support/promote-images.ts';
import {
  openSource,
  promoteOne,
  promotionOf,
  pushDraft,
  pushSigned,
  tagsAt,
  versioned,
  writes,
} from '../../tests/support/promote-images.ts';
import type { Descriptor } from '../image/types.ts';
import type { Trust } from '../model/trust.ts';
import { Referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/repository.ts';
import { signImages } from '../trust/signing/sign-image.ts';
import { openSigner } from '../trust/signing/signer.ts';

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

describe('promote refuses', () => {
  it('sets no tag when the source sends other bytes than the digest says', async () => {
    const { platforms } = await pushSigned(repository);
    const { layers } = JSON.parse(String(dev.manifests.get(`me/iris ${platforms[0]?.digest}`)?.bytes));
    const key = `me/iris ${layers.at(-1).digest}`;
    const bytes = Buffer.from(dev.blobs.get(key) ?? '');
    bytes[600] = (bytes[600] ?? 0) ^ 1;
    dev.blobs.set(key, bytes);
    const { outcome } = await promoteOne(promotionOf(dev, prod));
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'integrity' } });
    expect(tagsAt(prod)).toEqual([]);
  });

  it('writes nothing for an image that breaks the contract', async () => {
    const rooted = {
      ...trueDraft(),
      editConfig: (config: { config: { User: string } }) => {
        config.config.User = '0';
      },
    };
    await pushDraft(repository, rooted, 'v1.2.3');
    const { outcome } = await promoteOne(promotionOf(dev, prod));
    expect(outcome.error?.message).toContain('the user is "0"');
    expect(writes(prod)).toEqual([]);
  });

  it('reads the layers first with verifyLayers', async () => {
    const draft = trueDraft();
    const [first] = draft.model[0]?.members.slice(1) ?? [];
    if (first !== undefined) first.mode = 0o666;
    await pushDraft(repository, draft, 'v1.2.3');
    const { outcome } = await promoteOne(promotionOf(dev, prod), { verifyLayers: true });
    expect(outcome.error).toMatchObject({ code: 'integrity', message: expect.stringContaining('0666') });
    expect(writes(prod)).toEqual([]);
  });

  it('refuses a version that the destination has with another image, before it writes', async () => {
    await pushSigned(repository);
    await promoteOne(promotionOf(dev, prod));
    await pushDraft(repository, { ...versioned('v1.2.3'), platforms: ['linux/amd64'] }, 'v1.2.3');
    const before = writes(prod).length;
    const { outcome } = await promoteOne(promotionOf(dev, prod));
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'tag' } });
    expect(writes(prod).length).toBe(before);
  });

  it('suggests the nearest tag for a missing one', async () => {
    await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3');
    const { outcome } = await promoteOne(promotionOf(dev, prod, { reference: 'v1.2.4' }));
    expect(outcome.error).toMatchObject({ code: 'registry', next: 'did you mean v1.2.3?' });
  });

  it('fails when the registry forgets what it stored, before any tag', async () => {
    await pushSigned(repository);
    intercept = (request, response, fake) => {
      if (request.method !== 'PUT' || !request.url?.includes('/manifests/')) return undefined;
      if ([...fake.manifests.keys()].length < 3) return undefined;
      request.resume();
      response.writeHead(201).end();
      return true;
    };
    const { outcome } = await promoteOne(promotionOf(dev, prod));
    expect(outcome.status).toBe('failed');
    expect(tagsAt(prod)).not.toContain('v1.2.3');
  });

  it('sends the password of the environment to the destination only', async () => {
    await pushSigned(repository);
    process.env.MODELCARS_REGISTRY_USERNAME = 'robot';
    process.env.MODELCARS_REGISTRY_PASSWORD = 'of-production';
    try {
      intercept = (request, response) =>
        request.headers.authorization === undefined
          ? refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="prod"' })
          : undefined;
      await using asking = await startFake({
        intercept: (_request, response) =>
          refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="dev"' }),
      });
      expect((await promoteOne(promotionOf(dev, prod))).outcome.status).toBe('done');
      expect((await promoteOne(promotionOf(asking, prod))).outcome.error?.code).toBe('auth');
      const seen = [...dev.requests, ...asking.requests].map(({ headers }) => headers.authorization);
      expect(seen.filter((one) => one !== undefined)).toEqual([]);
    } finally {
      delete process.env.MODELCARS_REGISTRY_USERNAME;
      delete process.env.MODELCARS_REGISTRY_PASSWORD;
    }
  });

  describe('with trust', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'modelcars-promote-'));
    });
    afterEach(async () => {
      await rm(folder, { recursive: true, force: true });
    });

    /** A new key pair and its signatures, by default of the image and of every platform. */
    const signWith = async (name: string, ...images: Descriptor[]): Promise<Trust> => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const key = join(folder, `${name}.pem`);
      await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await writeFile(join(folder, `${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
      const signal = new AbortController().signal;
      const signer = await openSigner({ key, env: {}, signal, onRetry() {} });
      const referrers = new Referrers(repository);
      await signImages({ repository, referrers, images, signer, own: undefined, statements: [], signal });
      await signer.close();
      return { signers: [{ key: join(folder, `${name}.pub`) }] };
    };

    it('copies what a trusted signer signed, and says who', async () => {
      const { root, platforms } = await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3');
      const trust = await signWith('ours', root, ...platforms);
      const { outcome } = await promoteOne(promotionOf(dev, prod), { trust });
      expect(outcome).toMatchObject({ status: 'done', referrers: 6 });
      expect(outcome.checks?.at(-1)).toMatchObject({
        rule: 'signature',
        text: expect.stringContaining('ours.pub'),
      });
    });

    it.each([
      ['nobody signed', async () => await signWith('ours')],
      [
        'of which one platform is not signed',
        async ({ root, platforms: [first] }: Pushed) => await signWith('ours', root, first as Descriptor),
      ],
      [
        'that another key signed',
        async ({ root, platforms }: Pushed) => {
          await signWith('theirs', root, ...platforms);
          return await signWith('ours');
        },
      ],
    ])('refuses an image %s, before it writes', async (_, sign) => {
      const trust = await sign(await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3'));
      const { outcome } = await promoteOne(promotionOf(dev, prod), { trust });
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'trust' } });
      expect(writes(prod)).toEqual([]);
    });

    it('sets no tag where the destination loses the signatures', async () => {
      const { root, platforms } = await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3');
      const trust = await signWith('ours', root, ...platforms);
      intercept = ({ method, url = '' }, response, fake) => {
        const signature = /referrers\/|\.sig$/.test(url);
        const copied = [...fake.manifests.keys()].some((key) => key.endsWith(root.digest));
        return method !== 'PUT' && signature && copied
          ? refuse(response, 404, 'MANIFEST_UNKNOWN')
          : undefined;
      };
      const { outcome } = await promoteOne(promotionOf(dev, prod), { trust });
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'trust' } });
      expect(tagsAt(prod)).not.toContain('v1.2.3');
    });
  });
});
