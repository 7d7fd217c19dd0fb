"""Reads what Graft made in fewer bits (see live/precision.ts): adapters in PEFT, narrow bundles in ONNX Runtime.

    python precision.py FOLDER

One JSON object a line on stdout: what was compared, and whether it is alike.
"""

import sys
from pathlib import Path

import numpy
import onnxruntime
import torch
from interop import report
from our_families import classifier, expected_of
from peft import PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BitsAndBytesConfig

MAX_LENGTH = 64
# A last digit that differs between two builds can put a number on the next step of its scale.
STEP = 2e-2


def alone(model, tokenizer, texts):
    """Each text by itself: with padding, numbers in eight bits would have other scales."""
    rows = []
    for text in texts:
        encoded = tokenizer([text], truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        with torch.no_grad():
            rows.append(model(**encoded).logits[0])
    return torch.stack(rows)


def compare(name, found, expected, tolerance):
    largest = (found - expected).abs().max().item()
    limit = tolerance * max(1.0, expected.abs().max().item())
    report(name, largest < limit, f"max difference {largest:.1e} of {expected.abs().max().item():.1f}")


def on_original(family, folder, tokenizer):
    for each in sorted((folder / "adapters").iterdir()):
        texts, expected = expected_of(each)
        model = PeftModel.from_pretrained(classifier(folder / "base", 3)[0], each).eval()
        compare(f"{family}: trained on {each.name}, in PEFT", alone(model, tokenizer, texts), expected, 1e-4)


def on_quantized(family, folder, tokenizer):
    """On the base as bitsandbytes keeps it; with its weights made float32 again, the numbers are to be the same."""
    texts, expected = expected_of(folder / "narrow")
    options = dict(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32)
    config = BitsAndBytesConfig(**options, llm_int8_skip_modules=["score", "classifier"])
    for whole in (False, True):
        base = AutoModelForSequenceClassification.from_pretrained(
            folder / "base", num_labels=3, dtype=torch.float32, quantization_config=config, device_map="cpu"
        )
        base = base.dequantize().float() if whole else base
        model = PeftModel.from_pretrained(base, folder / "adapters" / "nf4").eval()
        found = alone(model, tokenizer, texts)
        if whole:
            compare(f"{family}: trained on nf4, in PEFT on bitsandbytes' numbers", found, expected, 1e-4)
            continue
        # Its products on a CPU are in bfloat16.
        alike = torch.nn.functional.cosine_similarity(found.flatten(), expected.flatten(), 0).item()
        report(f"{family}: trained on nf4, in PEFT on bitsandbytes' NF4", alike > 0.95, f"cosine {alike:.4f}")


def bundles(family, folder, tokenizer):
    for each in sorted((folder / "bundles").iterdir()):
        texts, expected = expected_of(each)
        session = onnxruntime.InferenceSession(each / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
        names = [given.name for given in session.get_inputs()]
        rows = []
        for text in texts:
            encoded = tokenizer([text], truncation=True, max_length=MAX_LENGTH, return_tensors="np")
            known = {"attention_mask": numpy.ones_like(encoded["input_ids"]), "token_type_ids": numpy.zeros_like(encoded["input_ids"])}
            feeds = {name: {**known, **encoded}[name].astype(numpy.int64) for name in names}
            rows.append(torch.tensor(session.run(None, feeds)[0][0]))
        compare(f"{family}: {each.name} bundle in ONNX Runtime", torch.stack(rows), expected, STEP)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__)
        sys.exit(2)
    for each in sorted(Path(sys.argv[1]).iterdir()):
        tokenizer = AutoTokenizer.from_pretrained(each / "base")
        on_original(each.name, each, tokenizer)
        on_quantized(each.name, each, tokenizer)
        bundles(each.name, each, tokenizer)
