"""Reads what Graft says that a model says of texts (see live/teacher.ts), and compares it with transformers.

    python teacher.py NAME MODEL VECTORS.json MAX_LENGTH

One JSON object a line on stdout: what was compared, and whether it is alike.
"""

import json
import sys
from pathlib import Path

import torch
from interop import report
from transformers import AutoModel, AutoTokenizer, logging

logging.set_verbosity_error()

name, folder, vectors, max_length = sys.argv[1:]
rows = json.loads(Path(vectors).read_text())
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
largest = 0.0
for row in rows:
    # Alone, so that no padding matters.
    encoded = tokenizer(row["text"], truncation=True, max_length=int(max_length), return_tensors="pt")
    with torch.no_grad():
        states = model(**encoded).last_hidden_state[0]
    mean = states.mean(0)
    largest = max(largest, (mean / mean.norm() - torch.tensor(row["vector"])).abs().max().item())
report(f"{name} as a teacher", largest < 1e-4, f"max difference {largest:.1e} of vectors of length 1")
