"""Small models of random weights, one per task of KServe's Hugging Face server: pipelines.py FOLDER."""

import json
import sys
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

folder = Path(sys.argv[1])
special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
words = "the capital of france is paris water boils .".split()
vocabulary = {word: number for number, word in enumerate([*special.values(), *words])}


def tokenizer(ends):
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    end = ("[SEP]", vocabulary["[SEP]"])
    made.post_processor = processors.BertProcessing(end, ("[CLS]", vocabulary["[CLS]"]))
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=32, **special, **ends)


torch.manual_seed(0)
small = {"vocab_size": len(vocabulary), "hidden_size": 16, "intermediate_size": 16, "max_position_embeddings": 32}
for name in ["BertForTokenClassification", "BertForMaskedLM", "BertModel"]:
    config = BertConfig(**small, num_hidden_layers=1, num_attention_heads=2, num_labels=3)
    getattr(transformers, name)(config).save_pretrained(folder / name, safe_serialization=True)
    tokenizer({}).save_pretrained(folder / name)
# As sentence-transformers saves it.
pooling = folder / "BertModel/1_Pooling"
pooling.mkdir()
(pooling / "config.json").write_text(json.dumps({"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True}))
(folder / "BertModel/modules.json").write_text("[]")

config = T5Config(
    vocab_size=len(vocabulary),
    d_model=16,
    d_kv=8,
    d_ff=16,
    num_layers=1,
    num_heads=2,
    decoder_start_token_id=0,
    eos_token_id=3,
    pad_token_id=0,
    tie_word_embeddings=False,
    n_positions=32,
)
model = T5ForConditionalGeneration(config)
# A text has to have letters: of a word and its opposite one is above 0, and so above all that is no word.
with torch.no_grad():
    model.lm_head.weight[:] = 0
    model.lm_head.weight[5:9] = torch.randn(4, 16)
    model.lm_head.weight[9:13] = -model.lm_head.weight[5:9]
model.save_pretrained(folder / "T5ForConditionalGeneration", safe_serialization=True)
ends = {"eos_token": "[SEP]", "model_input_names": ["input_ids", "attention_mask"]}
tokenizer(ends).save_pretrained(folder / "T5ForConditionalGeneration")
