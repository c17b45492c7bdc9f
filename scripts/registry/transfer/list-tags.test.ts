import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { refuse, startFake } from '../../../tests/support/fake-registry.ts';
import { Transport } from '../../http/transport.ts';
import { RegistryHttp } from '../registry-http.ts';
import { type ListLimits, listTags } from './list-tags.ts';

/** Lists the tags of a registry whose pages `page` sends. */
async function list(
  page: (response: ServerResponse, number: number, host: string) => unknown,
  limits: Partial<ListLimits> = {},
): Promise<{ result: unknown; requests: number; retries: string[] }> {
  let number = 0;
  await using fake = await startFake({
    intercept: (_, response, { host }) => {
      page(response, ++number, host);
      return true;
    },
  });
  const retries: string[] = [];
  const transport = new Transport({ env: {} });
  const host = new RegistryHttp({
    registry: fake.host,
    transport,
    credentials: { find: async () => undefined },
    insecure: [],
    retry: { tries: 3, delay: 1 },
    onRetry: (message) => retries.push(message),
    signal: undefined,
  });
  const access = { repository: 'me/iris', action: 'pull' } as const;
  const result = await listTags(host, access, 'list', limits).catch((error: unknown) => error);
  await transport.close();
  return { result, requests: fake.requests.length, retries };
}

const next = (number: number) => ({ link: `</v2/me/iris/tags/list?last=${number}>; rel="next"` });
const endless = (tags: (number: number) => unknown[]) => (response: ServerResponse, number: number) =>
  response.writeHead(200, next(number)).end(JSON.stringify({ tags: tags(number) }));

describe('a list of tags', () => {
  test('is read to its end', async () => {
    const { result } = await list((response, number) =>
      response.writeHead(200, number < 3 ? next(number) : {}).end(JSON.stringify({ tags: [`v${number}`] })),
    );
    expect(result).toEqual(['v1', 'v2', 'v3']);
  });

  test.each([
    ['endless pages', { pages: 5 }, (number: number) => [`v${number}`], 'lists more than 5 pages'],
    [
      'endless tags',
      { tags: 10 },
      (number: number) => [`a${number}`, `b${number}`],
      'lists more than 10 tags',
    ],
    [
      'endless bytes',
      { bytes: 100 },
      (number: number) => [`v${number}`, '!'.repeat(20)],
      'more than 100 bytes',
    ],
    ['a long page', { pageBytes: 100 }, () => ['!'.repeat(100)], 'a page of more than 100 bytes'],
    ['the same page again and again', {}, () => ['v1'], 'one page after another without a new tag'],
    ['empty pages', {}, () => [], 'one page after another without a new tag'],
    ['no time left', { milliseconds: 0 }, (number: number) => [`v${number}`], 'min for the list'],
  ])('with %s has its own message', async (_, limits, tags, words) => {
    const { result, requests } = await list(endless(tags), limits);
    expect(result).toMatchObject({ code: 'registry', message: expect.stringContaining(words) });
    expect((result as Error).message).toMatch(/^list: 127\.0\.0\.1:\d+ /);
    expect(requests).toBeLessThan(12);
  });

  test('does not continue on another host', async () => {
    const { result, requests } = await list((response) =>
      response.writeHead(200, { link: '<http://169.254.169.254/x>; rel="next"' }).end('{"tags":["v1"]}'),
    );
    expect(result).toMatchObject({ message: expect.stringContaining('another host') });
    expect(requests).toBe(1);
  });

  test('is requested again when a page breaks off', async () => {
    const { result, retries } = await list((response, number) => {
      if (number > 1) return response.writeHead(200).end('{"tags":["v1"]}');
      response.writeHead(200, { 'content-length': 15 });
      return response.write('{"tags":', () => setTimeout(() => response.destroy(), 20));
    });
    expect(result).toEqual(['v1']);
    expect(retries).toHaveLength(1);
  });

  test('is empty for a missing repository', async () => {
    expect((await list((response) => refuse(response, 404, 'NAME_UNKNOWN'))).result).toEqual([]);
  });
});
