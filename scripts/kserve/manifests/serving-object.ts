import { ModelcarsError } from '../../errors.ts';
import type { Framework, Model } from '../../model/types.ts';
import { type InferenceService, inferenceService, type ManifestOptions } from './inference-service.ts';
import { type LLMInferenceService, llmInferenceService } from './llm-inference-service.ts';

/** Whether a model is served by KServe's LLMInferenceService. */
export function isLLM({ serving }: Model): boolean {
  return serving?.kind === 'LLMInferenceService';
}

/**
 * The object that serves a model's image, of the kind that models.yaml asks for. Fails with code `catalog` for fields of
 * the other kind.
 */
export function servingObject(
  model: Model,
  framework: Framework,
  options: ManifestOptions & { serverImage?: string },
): InferenceService | LLMInferenceService {
  if (isLLM(model)) return llmInferenceService(model, framework, options);
  const fields = (['parallelism', 'router'] as const).filter((field) => model.serving?.[field] !== undefined);
  if (fields.length > 0) {
    throw new ModelcarsError(
      'catalog',
      `serve model ${model.name}: an InferenceService has no ${fields.join(' and no ')}`,
      {
        next: `add \`kind: LLMInferenceService\` to the model's \`serving:\`, or remove ${fields.join(' and ')}`,
      },
    );
  }
  return inferenceService(model, framework, options);
}
