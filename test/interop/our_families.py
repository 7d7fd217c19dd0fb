"""Reads what Graft wrote of every family (see live/our-families.ts): by transformers, PEFT, Optimum and ONNX Runtime.

    python our_families.py all FOLDER        a folder a family
    python our_families.py bundles FOLDER    only their bundles

One JSON object a line on stdout: what was compared, and whether it is alike.
"""

import json
import sys
from pathlib import Path

import torch
from interop import Caught, check_bundle, report
from peft import PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer, logging

# What a base without a head lacks is asked of it; the sentence about it is no complaint.
logging.set_verbosity_error()


def expected_of(folder):
    rows = json.loads((folder / "texts.json").read_text())
    return [each["text"] for each in rows], torch.tensor([each["logits"] for each in rows])


def compare(name, model, tokenizer, folder, caught):
    """All texts in one batch, padded on the right and, where positions are relative, on the left."""
    texts, expected = expected_of(folder)
    model.eval()
    sides = ["right", "left"] if hasattr(model.config, "rope_theta") else ["right"]
    largest = 0.0
    for side in sides:
        encoded = tokenizer(texts, padding=True, padding_side=side, truncation=True, return_tensors="pt")
        with torch.no_grad():
            found = model(**encoded).logits
        largest = max(largest, (found - expected).abs().max().item())
    detail = f"max difference {largest:.1e} of {expected.abs().max().item():.1f}; warnings: {caught.messages or 'none'}"
    report(name, largest < 1e-4 and not caught.messages, detail)


def classifier(folder, labels):
    """Of a base without a head, which begins at random."""
    model, info = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=labels, output_loading_info=True)
    return model, info


def check_base(family, folder):
    model, info = classifier(folder, 3)
    head = ("score.", "classifier.", "pre_classifier.")
    others = [name for name in info["missing_keys"] if not name.startswith(head)] + info["unexpected_keys"]
    detail = f"{len(model.state_dict())} tensors, lacking or too many: {others or 'none'}"
    report(f"{family}: base in transformers", not others, detail)


def check_bundles(folder):
    for each in sorted((folder / "bundles").iterdir()):
        check_bundle(each, f"{folder.name}: bundle {each.name}")


def check_family(folder):
    family = folder.name
    base, whole = folder / "base", folder / "whole"
    check_base(family, base)
    tokenizer = AutoTokenizer.from_pretrained(base)
    for each in sorted((folder / "adapters").iterdir()):
        with Caught() as caught:
            model = PeftModel.from_pretrained(classifier(base, 3)[0], each)
        compare(f"{family}: adapter {each.name} in PEFT", model, tokenizer, each, caught)
    with Caught() as caught:
        model = AutoModelForSequenceClassification.from_pretrained(whole)
    compare(f"{family}: whole model in transformers", model, AutoTokenizer.from_pretrained(whole), whole, caught)
    check_bundles(folder)


if __name__ == "__main__":
    checks = {"all": check_family, "bundles": check_bundles}
    if len(sys.argv) != 3 or sys.argv[1] not in checks:
        print(__doc__)
        sys.exit(2)
    for each in sorted(Path(sys.argv[2]).iterdir()):
        checks[sys.argv[1]](each)
