import { type ByteSource, headOf } from './source.ts';

/** What a folder of transformers is for. */
export type TransformersTask =
  | { kind: 'generation'; chat: boolean }
  | { kind: 'embeddings'; size?: number }
  /** A class of transformers that answers with labels: `BertForSequenceClassification`. */
  | { kind: 'labels'; architecture: string };

/** A folder's files, as below /models. */
interface Folder {
  readonly paths: readonly string[];
  size(path: string): number;
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes of a JSON file that is read; tokenizer_config.json lists up to some thousand tokens. */
const longestJson = 4 * 1024 ** 2;
/** Classes of transformers (`architectures` of config.json) that choose among labels. */
const labelling =
  /For(Sequence|Token|Image|Audio|AudioFrame|Video|ZeroShotImage)?Classification$|ForQuestionAnswering$|ForMultipleChoice$|ForMaskedLM$|ForObjectDetection$/;
/** Classes that write text. */
const generating =
  /ForCausalLM$|LMHeadModel$|ForConditionalGeneration$|ForImageTextToText$|ForVision2Seq$|ForSeq2SeqLM$/;

/**
 * The task of a folder as `save_pretrained` of transformers or sentence-transformers writes it: from modules.json (or
 * 1_Pooling) and `architectures` of config.json. A folder that does not say generates text.
 */
export async function readTransformers(folder: Folder): Promise<TransformersTask> {
  const config = await jsonOf(folder, 'config.json');
  const [architecture] = textsOf(config.architectures);
  const pooling = await jsonOf(folder, '1_Pooling/config.json');
  if (folder.paths.includes('modules.json') || Object.keys(pooling).length > 0) {
    // A layer after the pooling gives another size.
    const size = folder.paths.some((path) => /^\d+_Dense\//.test(path))
      ? undefined
      : (countOf(pooling.word_embedding_dimension) ?? countOf(config.hidden_size));
    return { kind: 'embeddings', ...(size !== undefined && { size }) };
  }
  if (architecture !== undefined && labelling.test(architecture)) return { kind: 'labels', architecture };
  if (architecture !== undefined && !generating.test(architecture) && /Model$/.test(architecture))
    return { kind: 'embeddings' };
  const tokenizer = await jsonOf(folder, 'tokenizer_config.json');
  const chat = folder.paths.includes('chat_template.jinja') || tokenizer.chat_template !== undefined;
  return { kind: 'generation', chat };
}

/** A JSON object; an empty one where there is none, or one too long. */
async function jsonOf(folder: Folder, path: string): Promise<Record<string, unknown>> {
  if (!folder.paths.includes(path) || folder.size(path) > longestJson) return {};
  const source: ByteSource = {
    size: folder.size(path),
    read: (offset, length) => folder.read(path, offset, length),
  };
  try {
    const value: unknown = JSON.parse((await headOf(source, longestJson)).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string' && one.length < 200) : [];
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 1e6 ? value : undefined;
}
