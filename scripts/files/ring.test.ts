import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fileSource } from '../sources/file.ts';
import { bufferRing } from './ring.ts';

it('gives a buffer again only after all others', () => {
  const next = bufferRing(3, 8);
  const [a, b, c] = [next(), next(), next()];
  expect(new Set([a, b, c]).size).toBe(3);
  expect([next(), next(), next()]).toEqual([a, b, c]);
  expect(next()).toBe(a);
});

it('a reader of a file may hold six chunks, as `Content.open` promises', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ring-'));
  try {
    const bytes = randomBytes(20 * 1024 ** 2 + 5); // more than the ring holds
    await writeFile(join(folder, 'big.bin'), bytes);
    const file = {
      path: 'big.bin',
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
    const late = createHash('sha256');
    const held: Uint8Array[] = [];
    for await (const chunk of fileSource(folder).open('file:big.bin', '', file)) {
      held.push(chunk);
      if (held.length > 6) late.update(held.shift() ?? '');
    }
    for (const chunk of held) late.update(chunk);
    expect(late.digest('hex')).toBe(file.sha256);
  } finally {
    await rm(folder, { recursive: true });
  }
});
