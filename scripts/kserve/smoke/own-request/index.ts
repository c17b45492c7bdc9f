import { ModelcarsError } from '../../../errors.ts';
import type {
  ModelExpectation,
  ModelInput,
  ModelSmoke,
  SmokeExpectation,
  SmokeTest,
} from '../../../model/types.ts';
import { readInstances, readRequestFile } from './read-file.ts';

/** Tokens of a generated text, unless `parameters` has another number. */
const maxTokens = 16;

type Scalar = number | string | boolean;

/**
 * The smoke test that `smoke:` of a model describes. Files are read from the folder of models.yaml. Fails with code
 * `catalog` for a file that cannot be read and for data that do not fit their shape. Sources of the forms: Open Inference
 * Protocol v2, KServe's "Data Plane (V1)", OpenAI's API reference, MLServer's pandas codec (content type `pd`).
 * `served`: the name in the path of v2, where that is not the InferenceService's.
 */
export async function ownRequest(
  smoke: ModelSmoke,
  model: string,
  directory: string,
  served?: string,
): Promise<SmokeTest> {
  const { prompt, messages, input, instances, path } = smoke;
  const expect = smoke.expect === 'any' ? {} : (smoke.expect ?? {});
  if (prompt !== undefined)
    return openAi(smoke, '/v1/completions', { prompt }, textExpectation(smoke, expect));
  if (messages !== undefined)
    return openAi(smoke, '/v1/chat/completions', { messages }, textExpectation(smoke, expect));
  if (input !== undefined) {
    const count = [input].flat().length;
    const wanted: SmokeExpectation = {
      read: 'embeddings',
      count,
      ...(expect.size !== undefined && { size: expect.size }),
    };
    return openAi(smoke, '/v1/embeddings', { input, encoding_format: 'float' }, wanted);
  }
  if (instances !== undefined) {
    const given = typeof instances === 'string' ? await readInstances(directory, instances) : instances;
    return {
      path: path ?? '/v1/models/{name}:predict',
      body: { ...smoke.parameters, instances: given },
      expect: {
        read: 'predictions',
        ...(smoke.expect !== 'any' && { rows: given.length }),
        ...(expect.predictions && { predictions: expect.predictions }),
        ...(expect.tolerance !== undefined && { tolerance: expect.tolerance }),
      },
    };
  }
  const { inputs, parameters } = await tensors(smoke, model, directory);
  const all = { ...parameters, ...smoke.parameters };
  const body = { ...(Object.keys(all).length > 0 && { parameters: all }), inputs };
  const rows = smoke.expect === 'any' ? undefined : inputs[0]?.shape[0];
  const name = served === undefined ? '{name}' : encodeURIComponent(served);
  return { path: path ?? `/v2/models/${name}/infer`, body, expect: outputsExpectation(expect, rows) };
}

function outputsExpectation(expect: ModelExpectation, rows: number | undefined): SmokeExpectation {
  const { classes, scores, output, tolerance } = expect;
  const named = output === undefined ? {} : { output };
  if (classes !== undefined) return { read: 'labels', classes, ...named };
  if (scores !== undefined) return { read: 'scores', classes: scores, ...named };
  const outputs = (expect.outputs ?? []).map((one) => ({
    ...(tolerance !== undefined && { tolerance }),
    ...one,
  }));
  return { read: 'outputs', ...(rows !== undefined && { rows }), outputs };
}

function textExpectation({ parameters }: ModelSmoke, { matches }: ModelExpectation): SmokeExpectation {
  const most = parameters?.max_tokens ?? parameters?.max_completion_tokens;
  return {
    read: 'text',
    maxTokens: typeof most === 'number' ? most : maxTokens,
    ...(matches !== undefined && { pattern: matches }),
  };
}

function openAi(smoke: ModelSmoke, path: string, fields: object, expect: SmokeExpectation): SmokeTest {
  const generates = expect.read === 'text' && { max_tokens: maxTokens, temperature: 0, stream: false };
  return {
    // KServe's server has the first, vLLM's own the second.
    path: smoke.path ?? [`/openai${path}`, path],
    body: { model: '{name}', ...fields, ...generates, ...smoke.parameters },
    expect,
  };
}

/** The inputs of a v2 request, each with type and shape. */
async function tensors(
  smoke: ModelSmoke,
  model: string,
  directory: string,
): Promise<{ inputs: (ModelInput & { shape: number[] })[]; parameters?: Record<string, unknown> }> {
  const given = typeof smoke.inputs === 'string' ? await readRequestFile(directory, smoke.inputs) : smoke;
  if ('columns' in given && given.columns !== undefined) {
    const inputs = Object.entries(given.columns).map(([name, data]) => column(name, data));
    // MLServer makes one DataFrame of inputs with a row each (mlserver/codecs/pandas.py).
    return { inputs: sameRows(inputs, model), parameters: { content_type: 'pd' } };
  }
  if ('rows' in given && given.rows !== undefined)
    return { inputs: [complete({ name: 'input-0', data: given.rows }, model)] };
  const inputs = 'inputs' in given && Array.isArray(given.inputs) ? given.inputs : [];
  return {
    inputs: inputs.map((one) => complete(one, model)),
    ...('parameters' in given && given !== smoke && given.parameters && { parameters: given.parameters }),
  };
}

function column(name: string, data: Scalar[]): ModelInput & { shape: number[] } {
  const datatype = typeOf(data);
  return {
    name,
    datatype,
    shape: [data.length, 1],
    data,
    ...(datatype === 'BYTES' && { parameters: { content_type: 'str' } }),
  };
}

function sameRows<T extends { name: string; shape: number[] }>(inputs: T[], model: string): T[] {
  const [first] = inputs;
  const odd = inputs.find(({ shape }) => shape[0] !== first?.shape[0]);
  if (odd === undefined) return inputs;
  const problem = `column ${odd.name} has ${odd.shape[0]} values, and ${first?.name} has ${first?.shape[0]}`;
  throw mismatch(model, problem);
}

function complete({ data, ...input }: ModelInput, model: string): ModelInput & { shape: number[] } {
  const nested: number[] = [];
  for (let at: unknown = data; Array.isArray(at); at = at[0]) nested.push(at.length);
  const flat = data.flat(32) as unknown[];
  const shape = input.shape ?? nested;
  const count = shape.reduce((product, one) => product * one, 1);
  if (count !== flat.length)
    throw mismatch(
      model,
      `input ${input.name} has ${flat.length} values, and its shape [${shape.join(',')}] ${count}`,
    );
  return { ...input, datatype: input.datatype ?? typeOf(flat), shape, data: flat };
}

function mismatch(model: string, problem: string): ModelcarsError {
  return new ModelcarsError('catalog', `smoke ${model}: ${problem}`, {
    next: 'correct `smoke:` in models.yaml',
  });
}

function typeOf(data: readonly unknown[]): string {
  if (data.every((one) => typeof one === 'number')) return 'FP64';
  return data.every((one) => typeof one === 'boolean') ? 'BOOL' : 'BYTES';
}
