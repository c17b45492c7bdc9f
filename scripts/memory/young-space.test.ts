import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const module = new URL('young-space.ts', import.meta.url).href;

/**
 * The largest size of V8's space for new objects in a process that makes many, some of which live for a while; in bytes.
 * Those that live fit into the first space: V8 enlarges it for more of them, by as much as live when it collects.
 */
async function largest(first: string): Promise<number> {
  const work = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${first}
    let size = 0;
    let kept = [];
    for (let at = 0; at < 3_000_000; at++) {
      kept.push({ at });
      if (kept.length === 20_000) kept = [];
      if (at % 100_000 === 0)
        size = Math.max(size, getHeapSpaceStatistics().find((one) => one.space_name === 'new_space').space_size);
    }
    console.log(size);`;
  const words = ['--input-type=module', '--eval', work];
  return Number((await promisify(execFile)(process.execPath, words)).stdout);
}

test('the space for new objects stays small while many are made', async () => {
  const usual = await largest('');
  const small = await largest(`import { keepYoungSpaceSmall } from '${module}'; keepYoungSpaceSmall();`);
  expect(usual).toBeGreaterThan(8e6);
  expect(small).toBeLessThan(4e6);
});
