"""How fast PyTorch and PEFT do a LoRA step, as a peer for `npm run bench:step`: tokens a second, real ones, no padding.

    python bench/peers/step.py [--models models/hf] [--threads 2] [--steps 20]

MiniLM at 8 × 64 and 32 × 32 tokens, SmolLM2 at 4 × 64: rank 8 on all linear layers and the head; forward, backward, clipping,
AdamW. Weights are random, shapes those of config.json. Prints a line of JSON for each; the rate is of the median step.
"""

import argparse
import json
import os
import statistics
import time
import warnings
from pathlib import Path

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForSequenceClassification

CASES = [("minilm", 8, 64), ("minilm", 32, 32), ("smollm2", 4, 64)]


def adapted(folder, dropout):
    config = AutoConfig.from_pretrained(folder, num_labels=2)
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    model = AutoModelForSequenceClassification.from_config(config)
    lora = LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, lora_dropout=dropout, target_modules="all-linear")
    return get_peft_model(model, lora).train()


def step_times(model, batch, length, steps):
    trained = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, weight_decay=0.01)
    # Above the pad tokens' ids.
    ids = torch.randint(100, 20_000, (batch, length))
    inputs = dict(input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.randint(0, 2, (batch,)))
    for _ in range(steps + 3):
        started = time.perf_counter()
        model(**inputs).loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        yield time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path("models/hf"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--dropout", type=float, default=0.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    for name, batch, length in CASES:
        model = adapted(options.models / name, options.dropout)
        times = list(step_times(model, batch, length, options.steps))[3:]
        median = statistics.median(times)
        found = dict(
            model=name,
            batch=batch,
            length=length,
            threads=options.threads,
            dropout=options.dropout,
            milliseconds=round(median * 1e3, 1),
            fastest=round(min(times) * 1e3, 1),
            tokens_per_second=round(batch * length / median),
            torch=torch.__version__,
        )
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
