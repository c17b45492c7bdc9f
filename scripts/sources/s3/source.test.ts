import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { s3Source } from './source.ts';

/** Listings that no honest server sends; tests/slow/s3.test.ts covers a real one. */
describe('s3Source with a hostile server', () => {
  let server: Server;
  let pages: string[];
  let asked: string[];
  let headStatus: number;
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    pages = [];
    asked = [];
    headStatus = 404;
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.method === 'HEAD' || !request.url?.includes('list-type')) {
        response.writeHead(request.method === 'HEAD' ? headStatus : 404, {
          'content-type': 'application/xml',
        });
        response.end(request.method === 'HEAD' ? undefined : '<Error><Code>NoSuchKey</Code></Error>');
        return;
      }
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(pages.length > 1 ? pages.shift() : pages[0]);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    environment = { S3_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATESTTESTTEST0001');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-secret-secret');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const page = (keys: string[], more = ''): string =>
    `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${more !== ''}</IsTruncated>${
      more && `<NextContinuationToken>${more}</NextContinuationToken>`
    }${keys
      .map(
        (key) => `<Contents><Key>${encodeURIComponent(key)}</Key><Size>3</Size><ETag>"e"</ETag></Contents>`,
      )
      .join('')}</ListBucketResult>`;
  const resolve = (select = (_: string) => true) => s3Source(environment).resolve('s3://models/m', select);

  it.each([
    ['m/../../etc/passwd', /the path \.\.\/\.\.\/etc\/passwd holds the component `\.\.`/],
    ['m//etc/passwd', /is absolute/],
    ['m/a//b', /empty component/],
    ['m/a\\b', /backslash/],
    ['m/a\u0000b', /NUL/],
    ['m/a\nb', /control character/],
    ['m/.wh.config.json', /\.wh\./],
    ['m/folder/', /ends with `\/`/],
    [`m/${'x'.repeat(256)}`, /256 bytes/],
  ])('rejects the key %j', async (key, problem) => {
    pages = [page([key])];
    await expect(resolve()).rejects.toThrow(problem);
    await expect(resolve()).rejects.toMatchObject({
      code: 'source',
      next: expect.stringContaining('exclude'),
    });
    expect(asked.every((url) => url.includes('list-type') || !url.includes('passwd'))).toBe(true);
  });

  it('rejects keys that cannot be files of one folder', async () => {
    pages = [page(['m/Config.json', 'm/config.json'])];
    await expect(resolve()).rejects.toThrow(/differ only in case/);
    pages = [page(['m/a', 'm/a/b'])];
    await expect(resolve()).rejects.toThrow(/one name for a file and a folder/);
  });

  it('rejects a URI that names both an object and a prefix', async () => {
    headStatus = 200;
    pages = [page(['m/a'])];
    await expect(resolve()).rejects.toThrow(/both an object and a prefix with 1 objects/);
  });

  it('reads no object that is not selected, whatever its name', async () => {
    pages = [page(['m/../secret', 'm/.modelcars.json'])];
    const seen: string[] = [];
    const { files } = await resolve((path) => {
      seen.push(path);
      return false;
    });
    expect(files).toEqual([]);
    expect(seen).toEqual(['../secret']);
  });

  it('stops when the server sends the same page again and again, or more objects than a model has', async () => {
    pages = [page(['m/a'], 'again')];
    await expect(resolve()).rejects.toThrow(/same page again and again/);
    let turn = 0;
    const many = Array.from({ length: 1000 }, (_, n) => `m/${n}`);
    pages = Array.from({ length: 101 }, () =>
      page(
        many.map((key) => `${key}-${turn}`),
        `t${turn++}`,
      ),
    );
    await expect(resolve()).rejects.toThrow(/more than 100000 objects/);
  });
});
