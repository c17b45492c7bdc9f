/** hf:// models from a hub with every fault, one at a time, into a real registry. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cdn, HubRuns } from '../e2e/_hub.ts';
import type { Fault } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';

const missing = await missingParts('docker-registry');

describe.skipIf(missing)('hf:// models', () => {
  let hf: HubRuns;
  /** The digest of a push without any fault. */
  let right: string | undefined;
  beforeAll(async () => {
    hf = await HubRuns.start();
    const where = await hf.locked();
    expect(await hf.push(where)).toMatchObject({ code: 0 });
    right = await hf.digestOf(where);
    expect(right).toMatch(/^sha256:/);
  });
  afterEach(() => hf.expectNoSecrets());
  afterAll(() => hf?.[Symbol.asyncDispose]());

  test.each<[string, Fault[]]>([
    ['resets connections', [cdn({ kind: 'reset', after: 4_000_000, times: 2 })]],
    ['closes connections early', [cdn({ kind: 'cut', after: 1_000_000, times: 3 })]],
    ['ends bodies early', [cdn({ kind: 'truncate', after: 2_000_000, times: 2 })]],
    ['lets signed URLs run out', [cdn({ kind: 'expired', skip: 1, times: 2 })]],
    ['is unavailable for a while', [cdn({ kind: 'status', status: 503, times: 2 })]],
    ['stalls', [cdn({ kind: 'crawl', after: 300_000, delay: 1500 })]],
    ['knows no ranges', [cdn({ kind: 'whole', times: 4 })]],
    [
      'limits the rate',
      [
        {
          on: 'resolve',
          path: /model/,
          kind: 'status',
          status: 429,
          headers: { ratelimit: '"resolvers";r=0;t=1' },
        },
      ],
    ],
  ])('are downloaded completely from a hub that %s', async (_, faults) => {
    const where = await hf.locked();
    for (const fault of faults) hf.hub.fault(fault);
    const { code, stderr } = await hf.push(where);
    expect(stderr).not.toContain('MaxListeners');
    expect(code).toBe(0);
    expect(await hf.digestOf(where)).toBe(right);
    expect(hf.hub.pending().filter(({ kind }) => kind !== 'whole')).toEqual([]);
    hf.hub.forgive();
  });
});
