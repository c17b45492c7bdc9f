import { describe, expect, test } from 'vitest';
import {
  contentOf,
  type FakeOptions,
  type FakeRegistry,
  refuse,
  respond,
  sha256,
  startFake,
  testClient,
} from '../../tests/support/fake-registry.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';

const layer = Buffer.from('layer');
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    layers: [{ digest: sha256(layer), size: 5 }],
  }),
);
const descriptor: Descriptor = {
  mediaType: mediaTypes.manifest,
  digest: sha256(manifest),
  size: manifest.length,
};
const manifestContent = () => contentOf(manifest, { mediaType: mediaTypes.manifest, size: manifest.length });
const layerContent = () => contentOf(layer, { size: layer.length, digest: sha256(layer) });

async function using<T>(
  options: FakeOptions,
  work: (
    fake: FakeRegistry,
    at: (name: string) => ReturnType<ReturnType<typeof testClient>['repository']>,
  ) => Promise<T>,
): Promise<T> {
  await using fake = await startFake(options);
  await using client = testClient();
  return await work(fake, (name) => client.repository(`${fake.host}/${name}`));
}

describe('manifests', () => {
  test('are written by digest, tagged without reading them back, and resolved', async () => {
    await using({}, async (fake, at) => {
      const repository = at('me/iris');
      expect(await repository.write(manifestContent())).toEqual(descriptor);
      await repository.tag('v1.0.0', descriptor);
      expect(fake.methods()).toBe('PUT PUT');
      expect(fake.requests[0]?.path).toBe(`/v2/me/iris/manifests/${descriptor.digest}`);
      expect(fake.requests[0]?.headers['content-type']).toBe(mediaTypes.manifest);
      expect(await repository.resolve('v1.0.0')).toEqual(descriptor);
      expect(await repository.resolve(descriptor.digest)).toEqual(descriptor);
      expect(await repository.resolve('v2')).toBeUndefined();
      expect(await repository.tags()).toEqual(['v1.0.0']);
      expect(Buffer.from(await repository.read(descriptor)).equals(manifest)).toBe(true);
    });
  });

  test('are fetched for a tag when this client did not write them', async () => {
    await using({}, async (fake, at) => {
      fake.manifests.set(`me/iris ${descriptor.digest}`, { type: mediaTypes.manifest, bytes: manifest });
      await at('me/iris').tag('v1', descriptor);
      expect(fake.methods()).toBe('GET PUT');
      expect(fake.manifests.get('me/iris v1')?.bytes.equals(manifest)).toBe(true);
    });
  });

  test.each(['docker-content-digest', 'content-type', 'content-length'])(
    'are resolved by GET when HEAD lacks %s',
    async (missing) => {
      const intercept: FakeOptions['intercept'] = (request, response) => {
        const headers: Record<string, string> = {
          'docker-content-digest': descriptor.digest,
          'content-type': mediaTypes.manifest,
          'content-length': `${manifest.length}`,
        };
        delete headers[missing];
        return request.method === 'HEAD' && respond(response, 200, headers);
      };
      await using({ intercept }, async (fake, at) => {
        fake.manifests.set('me/iris v1', { type: 'application/json', bytes: manifest });
        expect(await at('me/iris').resolve('v1')).toEqual(descriptor);
      });
    },
  );

  test('that do not match their digest are refused, read or written', async () => {
    const wrong = Buffer.from('{}');
    await using({}, async (fake, at) => {
      fake.manifests.set(`me/iris ${descriptor.digest}`, { type: mediaTypes.manifest, bytes: wrong });
      await expect(at('me/iris').read(descriptor)).rejects.toMatchObject({ code: 'integrity' });
      await expect(at('me/iris').resolve(descriptor.digest)).rejects.toMatchObject({ code: 'integrity' });
    });
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.method === 'PUT' && respond(response, 201, { 'docker-content-digest': sha256(wrong) });
    await using({ intercept }, async (_, at) => {
      await expect(at('me/iris').write(manifestContent())).rejects.toMatchObject({ code: 'integrity' });
    });
  });

  test('over 4 MiB are neither read nor written, whatever their descriptor', async () => {
    await using({}, async (fake, at) => {
      const bytes = Buffer.alloc(4 * 1024 * 1024 + 1, 32);
      fake.manifests.set('me/iris v1', { type: 'text/plain', bytes });
      await expect(at('me/iris').resolve('v1')).rejects.toMatchObject({ code: 'limit' });
      const large = { ...descriptor, size: bytes.length };
      await expect(at('me/iris').read(large)).rejects.toMatchObject({ code: 'limit' });
      await expect(
        at('me/iris').write(contentOf(bytes, { mediaType: mediaTypes.index })),
      ).rejects.toMatchObject({
        code: 'limit',
      });
    });
  });

  test.each(['', '.x', 'a/b', '../../evil', 'a b', 'x'.repeat(129)])(
    'are neither tagged %j nor resolved by it',
    async (name) => {
      await using({}, async (fake, at) => {
        await expect(at('me/iris').tag(name, descriptor)).rejects.toMatchObject({ code: 'usage' });
        await expect(at('me/iris').resolve(name)).rejects.toMatchObject({ code: 'usage' });
        expect(fake.requests).toEqual([]);
      });
    },
  );
});

describe('written content', () => {
  test('is checked once: blobs by HEAD, manifests by their bytes', async () => {
    await using({}, async (fake, at) => {
      const repository = at('me/iris');
      await repository.write(layerContent());
      await repository.write(manifestContent());
      const before = fake.requests.length;
      await repository.proveWritten();
      await repository.proveWritten();
      expect(fake.requests.slice(before).map(({ method, path }) => `${method} ${path}`)).toEqual([
        `HEAD /v2/me/iris/blobs/${sha256(layer)}`,
        `GET /v2/me/iris/manifests/${descriptor.digest}`,
      ]);
    });
  });

  test('that was mounted is checked too; existing content is not', async () => {
    await using({}, async (fake, at) => {
      fake.blobs.set(`me/iris ${sha256(layer)}`, layer);
      await at('me/iris').write(layerContent());
      const before = fake.requests.length;
      await at('me/iris').proveWritten();
      expect(fake.requests).toHaveLength(before);
      await at('you/iris').write(layerContent());
      expect(fake.requests.at(-1)?.path).toContain('?mount=');
      fake.blobs.delete(`you/iris ${sha256(layer)}`);
      await expect(at('you/iris').proveWritten()).rejects.toMatchObject({ code: 'integrity' });
    });
  });
});

describe('blobs', () => {
  test('seen once are neither requested nor sent again', async () => {
    await using({}, async (fake, at) => {
      const repository = at('me/iris');
      const blob = await repository.write(layerContent());
      const before = fake.requests.length;
      expect(await repository.has(blob)).toBe(true);
      await repository.write(layerContent());
      expect(fake.requests.length).toBe(before);
    });
  });

  test('known to be missing are sent without another HEAD', async () => {
    await using({}, async (fake, at) => {
      const { mediaType, size } = layerContent();
      expect(await at('me/iris').has({ mediaType, digest: sha256(layer), size: size ?? 0 })).toBe(false);
      await at('me/iris').write(layerContent());
      expect(fake.methods()).toBe('HEAD POST PUT');
    });
  });

  test('with another size count as missing', async () => {
    await using({}, async (fake, at) => {
      fake.blobs.set(`me/iris ${sha256(layer)}`, Buffer.from('lay'));
      const blob = { mediaType: mediaTypes.layer, digest: sha256(layer), size: layer.length };
      expect(await at('me/iris').has(blob)).toBe(false);
    });
  });

  test('written several times concurrently share one upload', async () => {
    await using({}, async (fake, at) => {
      const done = await Promise.all([1, 2, 3].map(() => at('me/iris').write(layerContent())));
      expect(done.every((one) => one.digest === sha256(layer))).toBe(true);
      expect(fake.methods()).toBe('HEAD POST PUT');
    });
  });

  test('are mounted from a repository in which this client saw them', async () => {
    await using({}, async (fake, at) => {
      fake.blobs.set(`base/python ${sha256(layer)}`, layer);
      fake.manifests.set(`base/python ${descriptor.digest}`, { type: mediaTypes.manifest, bytes: manifest });
      await at('base/python').read(descriptor);
      await at('me/iris').write(layerContent());
      expect(fake.requests.at(-1)?.path).toContain(
        `?mount=${encodeURIComponent(sha256(layer))}&from=base%2Fpython`,
      );
      expect(fake.blobs.has(`me/iris ${sha256(layer)}`)).toBe(true);
    });
  });

  test.each([
    ['an upload session instead', false],
    ['an error', true],
  ])('are sent when a mount request gives %s', async (_, error) => {
    const intercept: FakeOptions['intercept'] = (request, response, fake) => {
      if (!request.url?.includes('mount=')) return false;
      fake.blobs.delete(`you/iris ${sha256(layer)}`);
      return error && refuse(response, 400, 'UNSUPPORTED');
    };
    await using({ intercept }, async (fake, at) => {
      await at('you/iris').write(layerContent());
      await at('me/iris').write(layerContent());
      expect(fake.blobs.get(`me/iris ${sha256(layer)}`)?.equals(layer)).toBe(true);
      expect(fake.requests.filter((one) => one.method === 'POST')).toHaveLength(error ? 3 : 2);
    });
  });
});

describe('the list of tags', () => {
  test('is read page by page, without invalid tags', async () => {
    const intercept: FakeOptions['intercept'] = (request, response) => {
      const last = new URL(request.url ?? '', 'http://x').searchParams.get('last');
      const link = last ? {} : { link: '</v2/me/iris/tags/list?n=1000&last=b>; rel="next"' };
      response.writeHead(200, link).end(JSON.stringify({ tags: last ? ['c', '../d'] : ['a', 'b'] }));
      return true;
    };
    await using({ intercept }, async (_, at) => {
      expect(await at('me/iris').tags()).toEqual(['a', 'b', 'c']);
    });
  });

  test('does not continue on another host', async () => {
    const intercept: FakeOptions['intercept'] = (_, response) => {
      response.writeHead(200, { link: '<https://evil.example/x>; rel="next"' }).end('{"tags":null}');
      return true;
    };
    await using({ intercept }, async (_, at) => {
      await expect(at('me/iris').tags()).rejects.toThrow('another host');
    });
  });

  test('is empty for a missing repository', async () => {
    await using({ intercept: (_, response) => refuse(response, 404, 'NAME_UNKNOWN') }, async (_, at) => {
      expect(await at('me/iris').tags()).toEqual([]);
    });
  });

  test('must be a JSON document', async () => {
    await using({ intercept: (_, response) => respond(response, 200) }, async (_, at) => {
      await expect(at('me/iris').tags()).rejects.toMatchObject({ code: 'registry' });
    });
  });
});
