"""Trains model/, a BERT of 5,000 weights that tells what a sentence is about: the kitchen, the railway or the sea.

PyTorch's sums differ in their last digits from build to build, and so do the weights; what they predict does not.
"""

from itertools import product
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

topics = {
    "kitchen": (["cook", "baker", "guest"], ["stirs", "tastes", "salts"], ["soup", "bread", "dough", "butter"]),
    "railway": (["driver", "guard", "traveller"], ["awaits", "boards", "leaves"], ["train", "station", "carriage", "platform"]),
    "sea": (["sailor", "captain", "diver"], ["steers", "anchors", "rows"], ["boat", "harbour", "reef", "ferry"]),
}
endings = ["today", "in the morning", "again"]

# Every seventh sentence is never shown to the model: the smoke request of ../topics.ts is made of them.
sentences = [
    (f"The {who} {does} the {what} {when}.", topic)
    for topic, (_, words) in enumerate(topics.items())
    for who, does, what, when in product(*words, endings)
]
shown = [one for number, one in enumerate(sentences) if number % 7]

special = {name: f"[{name[:-6].upper()}]" for name in ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")}
words = sorted({word for text, _ in shown for word in text.lower().replace(".", " .").split()})
vocabulary = {word: number for number, word in enumerate([*special.values(), *words])}
tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
tokenizer.normalizer = normalizers.Lowercase()
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=32, **special)

torch.manual_seed(0)
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
config = BertConfig(
    vocab_size=len(vocabulary),
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    initializer_range=0.5,
    max_position_embeddings=32,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    id2label=dict(enumerate(topics)),
    label2id={topic: number for number, topic in enumerate(topics)},
)
model = BertForSequenceClassification(config)
batch = fast([text for text, _ in shown], padding=True, return_tensors="pt")
labels = torch.tensor([topic for _, topic in shown])
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(200):
    loss = model(**batch, labels=labels).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

folder = Path(__file__).with_name("model")
model.eval().save_pretrained(folder, safe_serialization=True)
fast.save_pretrained(folder)
