import { describe, expect, it } from 'vitest';
import custom from '../../../frameworks/custom/framework.ts';
import huggingface from '../../../frameworks/huggingface/framework.ts';
import sklearn from '../../../frameworks/sklearn/framework.ts';
import vllm from '../../../frameworks/vllm/framework.ts';
import { draftModel } from '../../../tests/support/draft-model.ts';
import type { Framework, Model, Serving } from '../../model/types.ts';
import { servedBy, serverArguments } from './served-by.ts';

const model = (serving?: Partial<Serving>): Model =>
  draftModel({ name: 'ranker', framework: 'custom', serving });

describe('the server of a model', () => {
  it('is its own, then that of its framework', () => {
    const own = { runtime: 'my-ranker', modelFormat: 'ranker' };
    expect(servedBy(model(own), custom)).toEqual({ runtime: 'my-ranker', modelFormat: { name: 'ranker' } });
    expect(servedBy(model({ runtime: 'mine' }), sklearn)).toEqual({
      runtime: 'mine',
      modelFormat: { name: 'sklearn' },
      protocolVersion: 'v2',
    });
  });

  it('has the protocol that the model asks for; OpenAI is none of KServe', () => {
    expect(servedBy(model({ protocolVersion: 'v1' }), sklearn).protocolVersion).toBe('v1');
    expect(servedBy(model(), vllm)).not.toHaveProperty('protocolVersion');
  });

  it.each<[string, Partial<Serving> | undefined, Framework]>([
    ['names no runtime and no model format', undefined, custom],
    ['names no model format', { runtime: 'my-ranker' }, custom],
    ['names no runtime', { modelFormat: 'ranker' }, custom],
  ])('is missing where neither names one: %s', (problem, serving, framework) => {
    expect(() => servedBy(model(serving), framework)).toThrow(
      expect.objectContaining({
        code: 'catalog',
        message: `serve model ranker: framework custom ${problem}`,
        next: expect.stringContaining('serving: {runtime: NAME, modelFormat: NAME}'),
      }),
    );
  });
});

it('arguments are those of the framework and the model; a runtime of its own gets only those of the model', () => {
  const own = ['--task=text_embedding'];
  expect(serverArguments(model({ args: own }), huggingface)).toEqual(['--backend=huggingface', ...own]);
  expect(serverArguments(model({ args: own, runtime: 'mine' }), huggingface)).toEqual(own);
  expect(serverArguments(model(), huggingface)).toEqual(['--backend=huggingface']);
  expect(serverArguments(model(), sklearn)).toEqual([]);
});
