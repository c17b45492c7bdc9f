import { ModelcarsError } from '../../errors.ts';
import type { ExpectedOutput, ModelReader, SmokeTest } from '../../model/types.ts';
import { jsonOf } from '../json-file.ts';
import { readTransformers } from '../transformers.ts';
import { smokeFromTransformers } from './language.ts';

/** Of two lengths, so that the tokenizer has to fill up the shorter one. */
const texts = ['The capital of France is Paris.', 'Water boils.'];
/** Bytes of a JSON file that is read. */
const longest = 4 * 1024 ** 2;
/** Classes of `transformers` whose task KServe's server has (huggingfaceserver/task.py, SUPPORTED_TASKS). */
const classifying = /For(Sequence|Token)Classification$/;

/**
 * A request to KServe's Hugging Face server without vLLM, by the model's task: texts that are classified, embedded, or
 * have a gap to fill, by protocol v2; a completion of a model that generates text. Fails with code `catalog` for a task
 * that the server does not have.
 */
export async function smokeFromPipeline(files: ModelReader): Promise<SmokeTest> {
  const task = await readTransformers(files);
  if (task.kind === 'generation') return startToken(await smokeFromTransformers(files));
  if (task.kind === 'embeddings') {
    return requestOf(texts, 'embeddings', [{ name: 'output-0', shape: [texts.length, task.size ?? null] }]);
  }
  const { architecture } = task;
  // Labels, or with `--return_probabilities` a score for each.
  if (classifying.test(architecture)) return requestOf(texts, architecture, []);
  if (architecture.endsWith('ForMaskedLM')) {
    const mask = (await maskOf(files)) ?? '[MASK]';
    return requestOf([`The capital of France is ${mask}.`, `Water ${mask}.`], architecture, []);
  }
  throw new ModelcarsError(
    'catalog',
    `make a smoke request: KServe's Hugging Face server has no task for ${architecture}, only text and token classification, fill-mask, embeddings and text generation`,
    { next: 'take `framework: custom` with a runtime of your own in `serving:`' },
  );
}

/** Of an encoder-decoder, the server counts the token that starts the answer (generative_model.py). */
function startToken(smoke: SmokeTest): SmokeTest {
  const { expect } = smoke;
  if (expect.read !== 'text' || expect.maxTokens === undefined) return smoke;
  return { ...smoke, expect: { ...expect, maxTokens: expect.maxTokens + 1 } };
}

function requestOf(data: string[], what: string, outputs: ExpectedOutput[]): SmokeTest {
  return {
    path: '/v2/models/{name}/infer',
    body: { inputs: [{ name: 'input-0', shape: [data.length], datatype: 'BYTES', data }] },
    expect: { read: 'outputs', rows: data.length, outputs },
    from: `its task, ${what}`,
  };
}

/** The word that stands for a gap: `[MASK]` of BERT, `<mask>` of RoBERTa. */
async function maskOf(files: ModelReader): Promise<string | undefined> {
  for (const path of ['tokenizer_config.json', 'special_tokens_map.json']) {
    const { mask_token: mask } = await jsonOf(files, path, longest);
    const word = typeof mask === 'object' && mask !== null ? (mask as { content?: unknown }).content : mask;
    if (typeof word === 'string' && word.length > 0 && word.length < 100) return word;
  }
  return undefined;
}
