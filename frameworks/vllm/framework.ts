import type { Framework } from '../../scripts/model/types.ts';
import { chooseWeights, knownDuplicates } from '../../scripts/sources/huggingface/weights.ts';

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
    // Tokenizers, as in `vocab_files_names` of transformers' classes: SentencePiece (Mistral numbers its versions), BPE,
    // WordPiece, tiktoken, fairseq's dictionaries; chat templates.
    '*.model',
    'tokenizer.model.*',
    '*.spm',
    '*.tokenizer',
    'merges.txt',
    'vocab.*',
    'bpe.codes',
    'dict.txt',
    'added_tokens.*',
    '*.tiktoken',
    '*.jinja',
    'chat_template.*',
    'additional_chat_templates/*.jinja',
    // Pooling and the like of sentence-transformers: 1_Pooling/config.json, 2_Dense/model.safetensors.
    '[0-9]_*/config.json',
    '[0-9]_*/*.safetensors',
    // LoRA adapters beside their base.
    '**/adapter_config.json',
    '**/adapter_model.safetensors',
    'README.md',
    'LICENSE*',
    'NOTICE*',
    'USE_POLICY*',
  ],
  // Vocabularies that only unpickling reads.
  exclude: ['vocab.pkl', 'vocab.bin'],
  // Of a model in several precisions the plain one; of Mistral's own format beside the other (consolidated*, params.json) the other.
  choose: chooseWeights,
  examine: async (files, chosen) =>
    (await import('../../scripts/artifacts/repository.ts')).examineRepository(files, chosen),
  unmentioned: knownDuplicates,
  requires: [
    { anyOf: ['config.json', 'params.json'], why: "it names the architecture; params.json is Mistral's" },
    {
      anyOf: [
        'tokenizer.json',
        'tokenizer.model',
        'tekken.json',
        'vocab.json',
        'vocab.txt',
        'vocab.*',
        'vocab-src.json',
        '*.tiktoken',
        '*.model',
        'tokenizer.model.*',
        '*.spm',
        '*.tokenizer',
        'bpe.codes',
        'dict.txt',
      ],
      why: 'without a tokenizer nothing can be asked; a fine-tuned model has that of its base model',
    },
    {
      anyOf: ['*.safetensors'],
      why: 'a pickle (*.bin, *.pt) runs code when it is read; `save_pretrained` of transformers writes safetensors',
      asked: {
        anyOf: ['*.bin'],
        warning: 'pickles can run code when they are read; serve them only if you trust who made them',
      },
    },
  ],
  smokeFrom: async (files) =>
    (await import('../../scripts/artifacts/smoke/language.ts')).smokeFromTransformers(files),
} satisfies Framework;
