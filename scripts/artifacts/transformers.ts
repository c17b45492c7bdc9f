import type { ModelReader } from '../model/types.ts';
import { jsonOf } from './json-file.ts';

/** What a folder of transformers is for. */
export type TransformersTask =
  | { kind: 'generation'; chat: boolean }
  | { kind: 'embeddings'; size?: number }
  /** A class of transformers that answers with labels: `BertForSequenceClassification`. */
  | { kind: 'labels'; architecture: string };

/** Bytes of a JSON file that is read; tokenizer_config.json lists up to some thousand tokens. */
const longestJson = 4 * 1024 ** 2;
/** Classes of transformers (`architectures` of config.json) that choose among labels. */
const labelling =
  /For(Sequence|Token|Image|Audio|AudioFrame|Video|ZeroShotImage)?Classification$|ForQuestionAnswering$|ForMultipleChoice$|ForMaskedLM$|ForObjectDetection$/;
/** Classes that write text. */
const generating =
  /ForCausalLM$|LMHeadModel$|ForConditionalGeneration$|ForImageTextToText$|ForVision2Seq$|ForSeq2SeqLM$/;

/** Classes that write a text for a text by an encoder and a decoder, which vLLM does not have. */
const translating =
  /^(T5|MT5|UMT5|LongT5|SwitchTransformers|Bart|MBart|Pegasus|PegasusX|M2M100|Blenderbot|BlenderbotSmall|LED|ProphetNet|FSMT|NllbMoe)ForConditionalGeneration$|^(Marian)?MTModel$|^EncoderDecoderModel$/;

/** Whether a class of transformers is for KServe's own pipelines, and not for vLLM: it labels texts, or translates. */
export function isPipeline(architecture: string): boolean {
  return labelling.test(architecture) || translating.test(architecture);
}

/**
 * The task of a folder as `save_pretrained` of transformers or sentence-transformers writes it: from modules.json (or
 * 1_Pooling) and `architectures` of config.json. A folder that does not say generates text.
 */
export async function readTransformers(folder: ModelReader): Promise<TransformersTask> {
  const config = await jsonOf(folder, 'config.json', longestJson);
  const [architecture] = textsOf(config.architectures);
  const pooling = await jsonOf(folder, '1_Pooling/config.json', longestJson);
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
  const tokenizer = await jsonOf(folder, 'tokenizer_config.json', longestJson);
  const chat = folder.paths.includes('chat_template.jinja') || tokenizer.chat_template !== undefined;
  return { kind: 'generation', chat };
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string' && one.length < 200) : [];
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 1e6 ? value : undefined;
}
