"""Makes a Llama of 90,000 random weights: tinyllama.py FOLDER WORD…; it knows the words, and says nothing else."""

import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

folder, *words = sys.argv[1:]
special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
vocabulary = {word: number for number, word in enumerate([*special.values(), *words])}

tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
fast = PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], **special
)
fast.save_pretrained(folder)

torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=len(vocabulary),
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    bos_token_id=1,
    eos_token_id=2,
)
model = LlamaForCausalLM(config)
# Makes the tokens that end a text unlikely: the tests need generated text.
with torch.no_grad():
    model.lm_head.weight[:3] = 0
model.save_pretrained(folder, safe_serialization=True)
