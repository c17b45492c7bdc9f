import { afterEach, expect, test } from 'vitest';
import { readAhead, sharesOf } from '../memory/shares.ts';
import { limitMemory } from './max-memory.ts';

afterEach(() => limitMemory(undefined, 'images'));

test.each(['100MB', '127.9MB', '0', 'much', '-1GB'])('--max-memory %s is wrong usage', async (given) => {
  await expect(limitMemory(given, 'images')).rejects.toMatchObject({
    code: 'usage',
    message: '--max-memory must be a size of at least 128MB',
    next: 'for example --max-memory 512MB',
  });
});

test('--max-memory applies to this process, and without it the default does', async () => {
  await limitMemory('512MB', 'images');
  expect(readAhead.size).toBe(sharesOf(512e6, 'images').readAhead);
  await limitMemory(undefined, 'bucket');
  expect(readAhead.size).toBe(sharesOf(200e6, 'bucket').readAhead);
});
