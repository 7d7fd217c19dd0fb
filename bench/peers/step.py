"""How fast PyTorch and PEFT do a LoRA step, as a peer for `npm run bench:step`: tokens a second, real ones, no padding.

    python bench/peers/step.py [--models models/hf] [--threads 2] [--steps 20] [--shape NAME ...] [--bfloat16]

MiniLM at 8 × 64 and 32 × 32 tokens, SmolLM2 at 4 × 64, GPT-2 small and the tutorial's model at 8 × 64: rank 8 on all linear
layers and the head; forward, backward, clipping, AdamW. Weights are random; the shapes of MiniLM and SmolLM2 are those of
their config.json, the others stand here. Prints a line of JSON for each; the rate is of the median step.
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
from transformers import AutoConfig, AutoModelForSequenceClassification, GPT2Config

CASES = {
    "minilm": ("minilm", 8, 64),
    "minilm-32": ("minilm", 32, 32),
    "smollm2": ("smollm2", 4, 64),
    "gpt2-small": (dict(n_embd=768, n_layer=12, n_head=12), 8, 64),
    "tutorial": (dict(n_embd=256, n_layer=4, n_head=8), 8, 64),
}


def configured(model, folder):
    if isinstance(model, str):
        return AutoConfig.from_pretrained(folder / model, num_labels=2)
    return GPT2Config(**model, num_labels=2, pad_token_id=0, embd_pdrop=0, resid_pdrop=0, attn_pdrop=0)


def adapted(model, folder, dropout):
    config = configured(model, folder)
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    model = AutoModelForSequenceClassification.from_config(config)
    lora = LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, lora_dropout=dropout, target_modules="all-linear")
    return get_peft_model(model, lora).train()


def step_times(model, batch, length, steps, bfloat16):
    trained = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, weight_decay=0.01)
    # Above the pad tokens' ids.
    ids = torch.randint(100, 20_000, (batch, length))
    inputs = dict(input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.randint(0, 2, (batch,)))
    for _ in range(steps + 3):
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = model(**inputs).loss
        loss.backward()
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
    parser.add_argument("--shape", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--bfloat16", action="store_true", help="autocast, PyTorch's fastest on a CPU that has it")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    for name in options.shape:
        kind, batch, length = CASES[name]
        model = adapted(kind, options.models, options.dropout)
        times = list(step_times(model, batch, length, options.steps, options.bfloat16))[3:]
        median = statistics.median(times)
        found = dict(
            model=name,
            batch=batch,
            length=length,
            threads=options.threads,
            dropout=options.dropout,
            bfloat16=options.bfloat16,
            milliseconds=round(median * 1e3, 1),
            fastest=round(min(times) * 1e3, 1),
            tokens_per_second=round(batch * length / median),
            torch=torch.__version__,
        )
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
