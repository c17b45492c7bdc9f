import type { Framework } from '../../scripts/model/types.ts';
import { chooseWeights } from '../../scripts/sources/huggingface/weights.ts';

/**
 * A transformer repository, as Hugging Face's `transformers` saves it, by vLLM: Granite, Llama, Qwen, Mistral, and embedding models of
 * sentence-transformers (those answer at /v1/embeddings, not to this smoke test). KServe's kserve-huggingfaceserver runs vLLM
 * where it knows the architecture and plain transformers elsewhere. The same image serves with modelFormat `vLLM`, by KServe's
 * kserve-vllmserver (from 0.20 on) and OpenShift AI's templates (`vllm-cuda-runtime` and its kin): all read /mnt/models.
 */
export default {
  name: 'vllm',
  // config/runtimes/kserve-huggingfaceserver.yaml: version "1" is the only one; naming none takes it.
  modelFormat: { name: 'huggingface' },
  runtime: 'kserve-huggingfaceserver',
  protocolVersion: 'openai',
  // One set of weights and what it takes to read them: no second format (*.bin, *.pt, *.gguf, onnx/, original/), and no code
  // (*.py): a model that needs its own asks for it by name.
  include: [
    '*.json',
    '*.safetensors',
    // Tokenizers: SentencePiece, BPE, WordPiece, tiktoken; chat templates.
    '*.model',
    'merges.txt',
    'vocab.txt',
    '*.tiktoken',
    '*.jinja',
    // Pooling and the like of sentence-transformers: 1_Pooling/config.json, 2_Dense/model.safetensors.
    '[0-9]_*/config.json',
    '[0-9]_*/*.safetensors',
    'README.md',
    'LICENSE*',
    'NOTICE*',
    'USE_POLICY*',
  ],
  exclude: [],
  // Of a model in several precisions the plain one; of Mistral's own format beside the other (consolidated*, params.json) the other.
  choose: chooseWeights,
  requires: [
    { anyOf: ['config.json', 'params.json'], why: "it names the architecture; params.json is Mistral's" },
    {
      anyOf: ['tokenizer.json', 'tokenizer.model', 'tekken.json', 'vocab.json', 'vocab.txt', '*.tiktoken'],
      why: 'without a tokenizer nothing can be asked; a fine-tuned model has that of its base model',
    },
    {
      anyOf: ['*.safetensors'],
      why: 'a pickle (*.bin, *.pt) runs code when it is read; `save_pretrained` of transformers writes safetensors',
    },
  ],
  smokeFrom: async (files) =>
    (await import('../../scripts/artifacts/smoke/language.ts')).smokeFromTransformers(files),
} satisfies Framework;
