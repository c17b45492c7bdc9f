import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gguf, ggufOf } from '../../tests/support/gguf.ts';
import { findIncomplete } from './find-incomplete.ts';
import { GgufReader } from './gguf.ts';
import { inspectorFor } from './inspect.ts';
import type { Finding } from './reader.ts';

/** The finding for a file's bytes, passed in chunks of `chunk` bytes. */
function look(path: string, bytes: Buffer, chunk = 7): Finding {
  const inspector = inspectorFor(path, bytes.length);
  for (let at = 0; at < bytes.length; at += chunk) inspector?.take(at, bytes.subarray(at, at + chunk));
  return inspector?.end() ?? {};
}

/** What a model has: texts, numbers, a vocabulary, scores. */
const values = {
  'general.name': 'Tiny',
  'llama.context_length': { u32: 64 },
  'tokenizer.ggml.tokens': { texts: ['<s>', '', 'ba', 'be'] },
  'tokenizer.ggml.scores': { f32: [0, 0, 0, 0] },
};

describe('a complete file', () => {
  it.each([1, 7, 64, 100_000])('is accepted in chunks of %i bytes', (chunk) => {
    expect(look('model.gguf', gguf(values), chunk)).toEqual({});
  });

  it.each([
    ['of version 2', ggufOf({ version: 2, values })],
    ['of a version to come', ggufOf({ version: 4 })],
    ['for big-endian machines', ggufOf({ version: 0x0300_0000 })],
    ['without tensors, as a first part can be', ggufOf({ values })],
    [
      'with a tensor of a type to come',
      ggufOf({ tensors: [{ name: 'a', shape: [4], type: 99, offset: 0 }] }),
    ],
  ])('%s is accepted', (_, bytes) => expect(look('model.gguf', bytes)).toEqual({}));

  it('has an architecture, and a split of parts', () => {
    const bytes = gguf({ 'split.no': { u16: 1 }, 'split.count': { u16: 3 } });
    const reader = new GgufReader('a-00002-of-00003.gguf', bytes.length);
    reader.take(bytes);
    expect(reader.end()).toEqual({});
    expect(reader.facts).toEqual({ architecture: 'llama', split: { no: 1, count: 3 } });
  });
});

describe('a truncated file is refused', () => {
  // 128 bytes of data: the tensor has 8 × 4 numbers of 4 bytes.
  const whole = gguf(values);
  it('at any length of its own', () => {
    for (let length = 4; length < whole.length; length++) {
      expect(look('model.gguf', whole.subarray(0, length)).problem).toMatch(/^is truncated: /);
    }
  });

  it('by the bytes that a quantised tensor needs: 144 for 256 elements of Q4_K', () => {
    const tensors = [{ name: 'a', shape: [512, 2], type: 12, offset: 0 }];
    expect(look('model.gguf', ggufOf({ tensors, data: 576 }))).toEqual({});
    expect(look('model.gguf', ggufOf({ tensors, data: 575 })).problem).toMatch(/its tensors need \d+$/);
  });

  it('by an alignment of its own', () => {
    const tensors = [{ name: 'a', shape: [1], offset: 256 }];
    const own = { values: { 'general.alignment': { u32: 128 } }, tensors, alignment: 128 };
    expect(look('model.gguf', ggufOf({ ...own, data: 260 }))).toEqual({});
    expect(look('model.gguf', ggufOf({ ...own, data: 259 })).problem).toMatch(/^is truncated/);
  });
});

describe('a damaged file is refused', () => {
  it.each([
    ['another format', Buffer.from('PK\u0003\u0004'.padEnd(64)), 'is not a GGUF file'],
    ['the first version', ggufOf({ version: 1 }), 'is of GGUF version 1'],
    ['no version', ggufOf({ version: 0 }), 'is damaged: GGUF has no version 0'],
    ['more tensors than bytes', ggufOf({ count: 2 ** 40 }), 'is truncated: it has'],
    [
      'five dimensions',
      ggufOf({ tensors: [{ name: 'a', shape: [1, 1, 1, 1, 1], offset: 0 }] }),
      'is damaged: tensor `a`',
    ],
    [
      'an odd alignment',
      ggufOf({ values: { 'general.alignment': { u32: 3 } } }),
      'is damaged: an alignment of 3',
    ],
  ])('%s', (_, bytes, problem) => expect(look('model.gguf', bytes).problem).toContain(problem));

  it('never throws, and never waits for bytes before its place', () => {
    const bytes = gguf(values);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))),
        fc.integer({ min: 1, max: 64 }),
        (changes, chunk) => {
          const changed = Buffer.from(bytes);
          for (const [at, value] of changes) changed[at] = value;
          const { problem } = look('model.gguf', changed, chunk);
          expect(problem === undefined || problem.startsWith('is ')).toBe(true);
        },
      ),
    );
  });
});

describe('parts', () => {
  const part = (no: number) => gguf({ 'split.no': { u16: no }, 'split.count': { u16: 3 } });

  it('need the names by which llama.cpp finds them', () => {
    expect(look('x-00001-of-00003.gguf', part(0))).toEqual({});
    expect(look('model.gguf', part(0)).problem).toBe(
      'is part 1 of 3: its name has to end with -00001-of-00003.gguf',
    );
    expect(look('x-00001-of-00003.gguf', part(1)).problem).toContain('-00002-of-00003.gguf');
  });

  it('have to be complete', () => {
    const sizes = ['x-00001-of-00003.gguf', 'x-00003-of-00003.gguf'].map((path) => ({ path, size: 9 }));
    expect(findIncomplete(sizes)).toMatchObject({ missing: 'x-00002-of-00003.gguf' });
  });
});
