import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type ContentWalk, ContentWalks } from './content-walks.ts';

/** A walk that takes its time, and keeps what it saw after it. */
function slow(seen: string[]): ContentWalk {
  return {
    async push(chunk) {
      await sleep(2);
      seen.push(Buffer.from(chunk).toString());
    },
    async end() {
      seen.push('end');
    },
  };
}

describe('walks of the files of a tar', () => {
  it('get the parts of each file in order, although the parser waits for none', async () => {
    const seen = new Map<string, string[]>();
    const walks = new ContentWalks((path) => {
      const own: string[] = [];
      seen.set(path, own);
      return path === 'ignored' ? undefined : slow(own);
    });
    for (const path of ['a', 'ignored', 'b']) {
      walks.begin(path, 6);
      for (const part of ['one', 'two']) walks.push(Buffer.from(part));
      walks.end();
    }
    await walks.settled();
    expect(Object.fromEntries(seen)).toEqual({
      a: ['one', 'two', 'end'],
      ignored: [],
      b: ['one', 'two', 'end'],
    });
  });

  it('report the first error of a walk', async () => {
    const broken: ContentWalk = { push: () => Promise.reject(new Error('broken')), end: async () => {} };
    const walks = new ContentWalks(() => broken);
    walks.begin('a', 1);
    walks.push(Buffer.from('x'));
    walks.end();
    await expect(walks.settled()).rejects.toThrow('broken');
  });
});
