import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { flood, type Peer, refuse, serve, useListingServers } from './_listing-server.ts';

useListingServers();

describe('an S3 server', () => {
  const listing = (items: string, more = '') =>
    `<?xml version="1.0"?><ListBucketResult><Name>models</Name><EncodingType>url</EncodingType>${items}${more}</ListBucketResult>`;
  const objects = (count: number, key: (at: number) => string, size: number | string = 1) =>
    Array.from(
      { length: count },
      (_, at) => `<Contents><Key>${key(at)}</Key><Size>${size}</Size><ETag>"x"</ETag></Contents>`,
    ).join('');
  const more = (token: string) =>
    `<IsTruncated>true</IsTruncated>${token && `<NextContinuationToken>${token}</NextContinuationToken>`}`;
  /** A server that returns `page` for every page; `count` is the page's number, from 0. */
  const s3 = (page: (count: number, response: ServerResponse, peer: Peer) => string | undefined) => {
    let count = 0;
    return serve((request, response, peer) => {
      // Both versions of the listing: the program asks by the first where the second gives no token.
      if (!/[?&](list-type=2|prefix=)/.test(request.url ?? '')) return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'application/xml' });
      const text = page(count++, response, peer);
      return text === undefined ? undefined : response.end(text);
    });
  };
  const laughs = [...'bcdefghij'].map(
    (name, at) => `<!ENTITY ${name} "${`&${'abcdefghij'[at]};`.repeat(10)}">`,
  );

  test.each<[string, Parameters<typeof s3>[0], RegExp]>([
    [
      'pages of objects without end',
      (count) =>
        listing(
          objects(1000, (at) => `m/${count}-${at}`),
          more(`t${count}`),
        ),
      /more than 100000 objects/,
    ],
    [
      'pages of folders without end',
      (count) =>
        listing(
          objects(4000, (at) => `m/${count}-${at}/`, 0),
          more(`t${count}`),
        ),
      /lists more than 200000 objects/,
    ],
    ['empty pages without end', (count) => listing('', more(`t${count}`)), /more than 1000 pages of objects/],
    [
      'the same token on every page',
      () =>
        listing(
          objects(2, (at) => `m/${at}`),
          more('t'),
        ),
      /the same page again and again/,
    ],
    [
      'tokens in a circle',
      (count) =>
        listing(
          objects(2, (at) => `m/${at}`),
          more(`t${count % 3}`),
        ),
      /the same page again and again/,
    ],
    [
      'more to come, always after the same key',
      () =>
        listing(
          objects(2, (at) => `m/${at}`),
          more(''),
        ),
      /the same page again and again/,
    ],
    ['more to come and no token', () => listing('', more('')), /more objects follow, but not where/],
    [
      'a page of 1 GB',
      (_count, response, peer) => void flood(response, peer, ['<ListBucketResult>', '</ListBucketResult>']),
      /answered more than 16777216 bytes/,
    ],
    [
      'objects of another prefix',
      () => listing(objects(2, (at) => `secret/${at}`)),
      /do not begin with the prefix/,
    ],
    ['a negative size', () => listing(objects(2, (at) => `m/${at}`, -1)), /an invalid size/],
    [
      'a size of 8 EiB',
      () => listing(objects(2, (at) => `m/${at}`, '9223372036854775807')),
      /an invalid size/,
    ],
    [
      '100,000 elements in each other',
      () => listing('<Contents>'.repeat(1e5) + '</Contents>'.repeat(1e5)),
      /is not an S3 response/,
    ],
    [
      'entities that grow to a gigabyte',
      () =>
        `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "${'a'.repeat(99)}">${laughs.join('')}]><ListBucketResult><Contents><Key>m/&j;</Key></Contents></ListBucketResult>`,
      /not an S3 response|no object has this name|do not begin/,
    ],
    ['what is no XML', () => 'this is not XML <<<', /is not an S3 response/],
    ['a page about signing in', () => '<html><body>Sign in</body></html>', /is not a list of objects/],
    ['nothing', () => '', /is not a list of objects/],
  ])('that returns %s is refused', async (_, page, message) => {
    const peer = await s3(page);
    expect(await refuse('s3', peer)).toMatch(message);
    expect(peer.sent).toBeLessThan(200e6);
  });
});
