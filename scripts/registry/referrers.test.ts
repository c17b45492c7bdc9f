import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  contentOf,
  type FakeOptions,
  type FakeRegistry,
  respond,
  sha256,
  startFake,
  testClient,
} from '../../tests/support/fake-registry.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';
import type { RegistryClient } from './client.ts';
import { fallbackTag, Referrers } from './referrers.ts';
import type { Repository } from './repository.ts';

const manifestBytes = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }),
);
const image: Descriptor = {
  mediaType: mediaTypes.index,
  digest: sha256(manifestBytes),
  size: manifestBytes.length,
};
const type = 'application/vnd.example+json';

let fake: FakeRegistry;
let client: RegistryClient;
beforeEach(() => start());
afterEach(() => stop());

async function start(options: FakeOptions = {}): Promise<void> {
  fake = await startFake(options);
  client = testClient();
  await repository().write(contentOf(manifestBytes, image));
}

async function stop(): Promise<void> {
  await client.close();
  await fake[Symbol.asyncDispose]();
}

async function restart(options: FakeOptions): Promise<void> {
  await stop();
  await start(options);
}

const repository = (): Repository => client.repository(`${fake.host}/me/iris`);
const artifact = (text: string) => ({
  artifactType: type,
  content: Buffer.from(text),
  annotations: { of: text },
});
const tagged = () => fake.manifests.get(`me/iris ${fallbackTag(image.digest)}`);
const contents = (found: Descriptor[]) => found.map(({ annotations }) => annotations?.of).sort();

describe('a registry without the referrers API', () => {
  it('lists an artifact in the index of the fallback tag, with its type and annotations', async () => {
    const referrers = new Referrers(repository());
    const one = await referrers.attach(image, artifact('one'));
    expect(JSON.parse(String(tagged()?.bytes))).toEqual({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [
        {
          mediaType: mediaTypes.manifest,
          digest: one.digest,
          size: one.size,
          artifactType: type,
          annotations: { of: 'one' },
        },
      ],
    });
    const manifest = JSON.parse(String(fake.manifests.get(`me/iris ${one.digest}`)?.bytes));
    expect(manifest).toMatchObject({ artifactType: type, subject: image });
    expect(fake.blobs.get(`me/iris ${manifest.layers[0].digest}`)?.toString()).toBe('one');
    expect(fake.blobs.get(`me/iris ${manifest.config.digest}`)?.toString()).toBe('{}');
  });

  it('keeps what two clients attach at the same time', async () => {
    const clients = Array.from({ length: 4 }, () => testClient());
    const writers = clients.map((one) => new Referrers(one.repository(`${fake.host}/me/iris`)));
    await Promise.all(
      writers.map(async (writer, index) => {
        await writer.attach(image, artifact(`first of ${index}`));
        await writer.attach(image, artifact(`second of ${index}`));
        await writer.confirm();
      }),
    );
    await Promise.all(clients.map((one) => one.close()));
    const found = await new Referrers(repository()).list(image.digest);
    expect(contents(found)).toEqual(
      [0, 1, 2, 3].flatMap((index) => [`first of ${index}`, `second of ${index}`]).sort(),
    );
  });

  it('adds again what a client with an older index dropped', async () => {
    const referrers = new Referrers(repository());
    await referrers.attach(image, artifact('one'));
    const before = tagged();
    await referrers.attach(image, artifact('two'));
    if (before) fake.manifests.set(`me/iris ${fallbackTag(image.digest)}`, before);
    await referrers.confirm();
    expect(contents(await referrers.list(image.digest, type))).toEqual(['one', 'two']);
  });

  it('gives up, with the tag, when the index never holds what was written', async () => {
    await restart({
      intercept: (request, response) =>
        request.method === 'PUT' && request.url?.includes('/manifests/sha256-')
          ? respond(response, 201)
          : undefined,
    });
    await expect(new Referrers(repository()).attach(image, artifact('one'))).rejects.toThrow(
      `its tag ${fallbackTag(image.digest)} keeps changing`,
    );
  });
});

describe('a registry with the referrers API', () => {
  it('lists all pages, and writes no fallback tag', async () => {
    await restart({ referrersPage: 2 });
    const referrers = new Referrers(repository());
    for (const text of ['one', 'two', 'three', 'four', 'five']) await referrers.attach(image, artifact(text));
    await referrers.confirm();
    expect(tagged()).toBeUndefined();
    expect(contents(await referrers.list(image.digest))).toEqual(['five', 'four', 'one', 'three', 'two']);
    expect(await referrers.list(image.digest, 'application/other')).toEqual([]);
  });

  it('refuses pages without end', async () => {
    await restart({
      intercept: (request, response) => {
        if (!request.url?.includes('/referrers/')) return undefined;
        response.writeHead(200, {
          'content-type': mediaTypes.index,
          link: `<${request.url}>; rel="next"`,
        });
        response.end(manifestBytes);
        return true;
      },
    });
    await expect(new Referrers(repository()).list(image.digest)).rejects.toThrow('lists more than 1000');
  });
});

it('lists nothing for an image without referrers', async () => {
  expect(await new Referrers(repository()).list(image.digest)).toEqual([]);
});
