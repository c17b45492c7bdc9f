import type { ModelReader, SmokeTest } from '../../model/types.ts';
import { readGguf } from '../gguf.ts';
import { sourceFrom } from '../json-file.ts';

const maxTokens = 16;
/** Architectures that only make embeddings (llama.cpp src/llama-arch.cpp), whether or not they say how they pool. */
const encoders = /bert|^(gemma-embedding|t5encoder)$/;

/**
 * A request to llama.cpp's server: embeddings for a model that pools its tokens, a completion for any other. Not a chat,
 * in which a model that reasons says nothing at first. Undefined when the file cannot be read.
 */
export async function smokeFromGguf(files: ModelReader): Promise<SmokeTest | undefined> {
  const path = files.paths.find((one) => one === 'model.gguf' || /-00001-of-\d{5}\.gguf$/.test(one));
  const source = sourceFrom(files, path);
  const facts = source && path !== undefined ? await readGguf(source, path) : undefined;
  if (facts === undefined) return undefined;
  const { architecture = '', pooling = 0 } = facts;
  if (pooling > 0 || encoders.test(architecture)) {
    const input = ['The capital of France is Paris.', 'Water boils at 100 degrees.'];
    return {
      path: '/v1/embeddings',
      body: { model: '{name}', input, encoding_format: 'float' },
      expect: { read: 'embeddings', count: input.length },
      from: 'its task, embeddings (the server needs `--embeddings`)',
    };
  }
  const prompt = 'The capital of France is';
  return {
    path: '/v1/completions',
    body: { model: '{name}', prompt, max_tokens: maxTokens, temperature: 0, stream: false },
    expect: { read: 'text', maxTokens },
    from: 'its task, text generation',
  };
}
