import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { layerOf } from './layer.ts';
import { planLayers } from './plan.ts';
import { layerPredictor } from './predict-layer.ts';

it('predicts the layer of a large file, including its key', async () => {
  const bytes = randomBytes(33 * 1024 ** 2 + 1);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = { path: 'deep/model.safetensors', size: bytes.length, sha256 };
  const [plan] = planLayers([file, { path: 'config.json', size: 2, sha256: '0'.repeat(64) }]);
  if (plan === undefined) throw new Error('no plan');
  const layer = layerOf(
    plan,
    async function* (_file, offset) {
      yield bytes.subarray(offset);
    },
    { mtime: 7, compression: 'none' },
  );
  const hash = createHash('sha256');
  for await (const chunk of layer.open()) hash.update(chunk);
  const digest = `sha256:${hash.digest('hex')}`;

  const solo = layerPredictor(file.path, file.size, 7);
  for (let at = 0; at < bytes.length; at += 1_000_000) solo?.update(bytes.subarray(at, at + 1_000_000));
  expect(solo?.end(sha256)).toEqual({ key: layer.key, digest, diffId: digest, size: plan.size });
});

it('predicts nothing for a file that shares a layer', () => {
  expect(layerPredictor('config.json', 1000, 0)).toBeUndefined();
});
