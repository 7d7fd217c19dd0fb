"""Logits of a real model with a random head, as transformers gives them for padded batches of texts.

    python real.py MODEL TEXTS OUT

TEXTS is a JSON list. OUT gets head.safetensors, by the names that transformers has for it, and batches.json: a list of texts, input_ids,
attention_mask, token_type_ids where the tokenizer gives them, and logits. Every other batch of a decoder is padded on the left.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

ROWS = 8
LENGTH = 128
LABELS = 6


def logits(folder, texts, out):
    torch.manual_seed(11)
    model, info = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=LABELS, output_loading_info=True)
    tensors = model.state_dict()
    head = {name: tensors[name].contiguous() for name in info["missing_keys"]}
    out.mkdir(parents=True, exist_ok=True)
    save_file(head, out / "head.safetensors", metadata={"format": "pt"})
    tokenizer = AutoTokenizer.from_pretrained(folder)
    is_decoder = "score.weight" in head
    model.eval()
    for at in range(0, len(texts), ROWS):
        rows = texts[at : at + ROWS]
        side = "left" if is_decoder and at // ROWS % 2 else "right"
        batch = tokenizer(rows, padding=True, padding_side=side, truncation=True, max_length=LENGTH, return_tensors="pt")
        with torch.no_grad():
            found = model(**batch).logits
        yield dict(name=f"padding on the {side}", texts=rows, **{name: tensor.tolist() for name, tensor in batch.items()}, logits=found.tolist())


if __name__ == "__main__":
    folder, texts, out = sys.argv[1:]
    found = list(logits(folder, json.loads(Path(texts).read_text()), Path(out)))
    (Path(out) / "batches.json").write_text(json.dumps(found))
