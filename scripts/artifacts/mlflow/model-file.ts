import type { ModelReader } from '../../model/types.ts';
import { type Spec, specOf } from './spec.ts';
import { type Fields, fieldsOf, itemsOf, parsedOf, textOf, wordOf } from './values.ts';

/** What a folder that MLflow wrote says of itself. */
export interface MlflowModel {
  /** Name of a flavor (`sklearn`, `python_function`) → its settings. */
  flavors: ReadonlyMap<string, Fields>;
  /** Version of MLflow that wrote it. */
  version?: string;
  /** Of the signature: undefined without one, or with types that are not known. */
  inputs?: Spec[];
  outputs?: Spec[];
  /** The example's type and parsed content. */
  example?: { settings: Fields; content: unknown };
}

/** Inputs of a signature; one with more says too much of itself. */
const mostInputs = 20_000;

/**
 * Reads MLmodel (MLflow's documentation, "MLmodel format") and the input example that it names; runs and unpickles
 * nothing. Undefined when there is no such file, or it is not of MLflow.
 */
export async function readMlflow(files: ModelReader): Promise<MlflowModel | undefined> {
  const text = await textOf(files, 'MLmodel');
  if (text === undefined) return undefined;
  const { flavors, signature, saved_input_example_info: saved, mlflow_version } = await yamlOf(text);
  if (Object.keys(fieldsOf(flavors)).length === 0) return undefined;
  const version = wordOf(mlflow_version);
  const inputs = specsOf(fieldsOf(signature).inputs);
  const outputs = specsOf(fieldsOf(signature).outputs);
  const settings = fieldsOf(saved);
  const path = wordOf(settings.artifact_path);
  const content = path?.endsWith('.json') ? parsedOf(await textOf(files, path)) : undefined;
  return {
    flavors: new Map(Object.entries(fieldsOf(flavors)).map(([name, value]) => [name, fieldsOf(value)])),
    ...(version !== undefined && { version }),
    ...(inputs && { inputs }),
    ...(outputs && { outputs }),
    ...(content !== undefined && { example: { settings, content } }),
  };
}

/** A signature's inputs or outputs: a JSON text within the YAML (mlflow/models/signature.py, `ModelSignature.to_dict`). */
function specsOf(text: unknown): Spec[] | undefined {
  const items = itemsOf(parsedOf(text));
  if (items.length === 0 || items.length > mostInputs) return undefined;
  const specs = items.map(specOf);
  return specs.every((spec) => spec !== undefined) ? specs : undefined;
}

async function yamlOf(text: string): Promise<Fields> {
  // Loaded here: every command loads the frameworks.
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: false, schema: 'core' });
  if (document.errors.length > 0) return {};
  try {
    // Fails beyond some aliases, which could grow without end.
    return fieldsOf(document.toJS({ maxAliasCount: 100 }));
  } catch {
    return {};
  }
}
