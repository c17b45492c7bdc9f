"""Writes model.gguf: a llama of one layer with random weights, which answers with words that mean nothing.

Running it again gives the same bytes. What it shows is that a server loads the file and generates text, as with a model
of some gigabytes; what it says is nobody's concern, so nothing is trained.
"""

from pathlib import Path

import gguf
import numpy as np

width, heads, hidden = 16, 2, 32
words = [consonant + vowel for consonant in "bcdfghjklmnprstvwz" for vowel in "aeiou"]
# What a SentencePiece vocabulary begins with; a text with other letters is read byte by byte.
special = ["<unk>", "<s>", "</s>"]
bytewise = [f"<0x{byte:02X}>" for byte in range(256)]
vocabulary = special + bytewise + ["\u2581" + word for word in words] + words
kinds = (
    [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    + [gguf.TokenType.BYTE] * 256
    + [gguf.TokenType.NORMAL] * (2 * len(words))
)

random = np.random.RandomState(0)


def weights(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float16)


writer = gguf.GGUFWriter(Path(__file__).with_name("model.gguf"), "llama")
writer.add_name("Random words")
writer.add_context_length(256)
writer.add_embedding_length(width)
writer.add_block_count(1)
writer.add_feed_forward_length(hidden)
writer.add_head_count(heads)
writer.add_head_count_kv(heads)
writer.add_rope_dimension_count(width // heads)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
writer.add_tokenizer_model("llama")
writer.add_token_list(vocabulary)
writer.add_token_scores([-float(place) for place in range(len(vocabulary))])
writer.add_token_types(kinds)
writer.add_unk_token_id(0)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)

# Only words are ever said: the other tokens' scores are always 0, and the highest of the words' is above that.
output = weights(len(vocabulary), width)
output[: len(special) + len(bytewise)] = 0
ones = np.ones(width, dtype=np.float32)
writer.add_tensor("token_embd.weight", weights(len(vocabulary), width))
writer.add_tensor("output_norm.weight", ones)
writer.add_tensor("output.weight", output)
writer.add_tensor("blk.0.attn_norm.weight", ones)
writer.add_tensor("blk.0.ffn_norm.weight", ones)
for part in ["attn_q", "attn_k", "attn_v", "attn_output"]:
    writer.add_tensor(f"blk.0.{part}.weight", weights(width, width))
for part in ["ffn_gate", "ffn_up"]:
    writer.add_tensor(f"blk.0.{part}.weight", weights(hidden, width))
writer.add_tensor("blk.0.ffn_down.weight", weights(width, hidden))

writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
