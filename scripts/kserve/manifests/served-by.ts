import { ModelcarsError } from '../../errors.ts';
import type { Framework, Model, ProtocolVersion } from '../../model/types.ts';

/** What KServe needs to know of the server of a model: fields of PredictorSpec.model. */
export interface ServedBy {
  runtime: string;
  modelFormat: { name: string; version?: string };
  /** Absent where KServe has no name for it, or nobody gave one: KServe then assumes v1. */
  protocolVersion?: ProtocolVersion;
}

/**
 * The server of a model: by its `serving:`, then by its framework. Fails with code `catalog` when neither names a runtime
 * and a model format, as with framework `custom`.
 */
export function servedBy(model: Model, framework: Framework): ServedBy {
  const { serving } = model;
  const runtime = serving?.runtime ?? framework.runtime;
  const modelFormat =
    serving?.modelFormat === undefined ? framework.modelFormat : { name: serving.modelFormat };
  if (runtime === undefined || modelFormat === undefined) {
    const lacks = [
      ...(runtime === undefined ? ['runtime'] : []),
      ...(modelFormat === undefined ? ['model format'] : []),
    ];
    throw new ModelcarsError(
      'catalog',
      `serve model ${model.name}: framework ${framework.name} names no ${lacks.join(' and no ')}`,
      {
        next: 'add `serving: {runtime: NAME, modelFormat: NAME}` to the model: `metadata.name` of your ServingRuntime and one of its `supportedModelFormats`',
      },
    );
  }
  // KServe has no name for OpenAI's protocol. Without one it assumes v1, which fits: these runtimes list v1 or none.
  const own = framework.protocolVersion === 'openai' ? undefined : framework.protocolVersion;
  const protocolVersion = serving?.protocolVersion ?? own;
  return { runtime, modelFormat, ...(protocolVersion !== undefined && { protocolVersion }) };
}

/** Arguments after those of the runtime: the framework's, unless the model names another runtime, and the model's. */
export function serverArguments({ serving }: Model, { runtime, args = [] }: Framework): string[] {
  const isOther = serving?.runtime !== undefined && serving.runtime !== runtime;
  return [...(isOther ? [] : args), ...(serving?.args ?? [])];
}
