import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { launchSilently, modelcars, noise } from '../parts/cli.ts';
import { startHub } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';
import { startS3 } from '../parts/s3.ts';
import { manifestAt, openUploads, violationsIn } from '../parts/s3cache.ts';

const rounds = 12;
/** Two multipart files, small ones, an empty one, one with a name that is awkward in URLs. */
const files = {
  'model.joblib': noise(26_000_000, 1),
  'shards/b.bin': noise(18_000_000, 2),
  'config.json': '{"a": 1}\n',
  'a b+c%41☂.txt': 'hard to name',
  'empty.txt': '',
};
const at = 'models/org/killed/';

test.skipIf(await missingParts('versitygw'))(
  `a cache run killed at ${rounds} moments never claims what is not there; the next run completes it`,
  async () => {
    await using s3 = await startS3();
    await using hub = await startHub({ models: { 'org/killed': { files } } });
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-cache-kill-'));
    try {
      const env = { ...s3.env(), HF_ENDPOINT: hub.url, MODEL_NAME: 'org/killed', S3_BUCKET: 'models' };
      const settings = { cwd: folder, env };
      let killed = 0;
      for (let round = 0; round < rounds; round++) {
        const before = s3.requests().length;
        const { child, hasEnded, end } = launchSilently(['cache'], settings);
        // A run has some 30 requests; each round kills it a little later.
        while (!hasEnded() && s3.requests().length - before < 2 + round * 2) await sleep(2);
        await sleep(Math.random() * 20);
        if (child.kill('SIGKILL')) killed++;
        await end;
        expect(await violationsIn(s3, at, files), `round ${round}`).toEqual([]);
      }
      expect(killed).toBeGreaterThan(rounds / 2);
      await modelcars(['cache'], settings);
      expect((await manifestAt(s3, at))?.complete).toBe(true);
      expect(await violationsIn(s3, at, files)).toEqual([]);
      expect((await openUploads(s3)).filter((key) => key.includes('/killed/'))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
