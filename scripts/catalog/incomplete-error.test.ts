import { describe, expect, it } from 'vitest';
import type { Incomplete } from '../formats/find-incomplete.ts';
import { incompleteError } from './incomplete-error.ts';

const placed = (path: string, own = path) => ({ path, file: { path: own, size: 1, sha256: '0'.repeat(64) } });
const errorFor = (incomplete: Incomplete, more: { source?: string; seen?: string[] } = {}) =>
  incompleteError('llm', incomplete, {
    source: more.source ?? 'file:llm',
    seen: more.seen ?? [],
    placed: [placed('model.onnx', 'export/net.onnx'), placed('data/weights.bin')],
  });

describe('incompleteError', () => {
  it('names the file as the source does, and its place in the image', () => {
    expect(errorFor({ path: 'model.onnx', problem: 'is empty' })).toMatchObject({
      code: 'source',
      message: 'resolve model llm: export/net.onnx (model.onnx in the image) of file:llm is empty',
    });
    expect(errorFor({ path: 'data/weights.bin', problem: 'is empty' }).message).toBe(
      'resolve model llm: data/weights.bin of file:llm is empty',
    );
  });

  it.each<[string, Incomplete, RegExp]>([
    ['a pointer', { path: 'a', problem: 'is a pointer', isPointer: true }, /^run `git lfs pull`/],
    [
      'data outside the model',
      { path: 'a', problem: 'leads out', leadsOut: true },
      /^export the model again/,
    ],
    ['a damaged file', { path: 'a', problem: 'is truncated' }, /^copy or download the file again/],
    ['a missing file', { path: 'a', problem: 'lacks b', missing: 'b' }, /^copy or download the files that/],
  ])('of %s says how to repair that', (_, incomplete, next) => {
    expect(errorFor(incomplete).next).toMatch(next);
  });

  it('takes the repair from the kind of source', () => {
    const next = errorFor({ path: 'a', problem: 'x', isPointer: true }, { source: 'hf://org/llm' }).next;
    expect(next).toMatch(/^choose a revision/);
  });

  it('of a file that the source has, or that is elsewhere in the image, says so', () => {
    const missing = { path: 'a', problem: 'lacks b', missing: 'b' };
    expect(errorFor(missing, { seen: ['b'] }).next).toMatch(/^the source has `b`: add it to `include`/);
    expect(errorFor({ path: 'a', problem: 'x', missing: 'weights.bin' }).next).toBe(
      'it is at `data/weights.bin` in the image; put it at `weights.bin` with `files:`',
    );
  });
});
