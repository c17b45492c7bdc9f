import { ModelcarsError } from '../../errors.ts';
import type { ModelReader, SmokeTest } from '../../model/types.ts';
import { readTransformers } from '../transformers.ts';

const maxTokens = 16;

/**
 * A request to vLLM or KServe's server of the OpenAI protocol, by the model's task: a chat where there is a chat
 * template, a completion, or embeddings. Fails with code `catalog` for a model that chooses among labels, which has no
 * such endpoint.
 */
export async function smokeFromTransformers(files: ModelReader): Promise<SmokeTest> {
  const task = await readTransformers(files);
  if (task.kind === 'labels') {
    throw new ModelcarsError(
      'catalog',
      `make a smoke request: ${task.architecture} answers with labels, and this framework's server with text`,
      { next: 'serve it with `framework: huggingface`, or give the model its own `smoke:` in models.yaml' },
    );
  }
  if (task.kind === 'embeddings') {
    const input = ['The capital of France is Paris.', 'Water boils at 100 degrees.'];
    return {
      path: pathsOf('embeddings'),
      body: { model: '{name}', input, encoding_format: 'float' },
      expect: {
        read: 'embeddings',
        count: input.length,
        ...(task.size !== undefined && { size: task.size }),
      },
      from: 'its task, embeddings',
    };
  }
  const common = { model: '{name}', max_tokens: maxTokens, temperature: 0, stream: false };
  if (!task.chat) {
    return {
      path: pathsOf('completions'),
      body: { ...common, prompt: 'The capital of France is' },
      expect: { read: 'text', maxTokens },
      from: 'its task, text generation',
    };
  }
  return {
    path: pathsOf('chat/completions'),
    body: { ...common, messages: [{ role: 'user', content: 'What is the capital of France?' }] },
    expect: { read: 'text', maxTokens },
    from: 'its chat template',
  };
}

/** KServe's server has the first, vLLM's own the second. */
function pathsOf(endpoint: string): string[] {
  return [`/openai/v1/${endpoint}`, `/v1/${endpoint}`];
}
