"""LoRA steps of GPT-2 with PyTorch and PEFT, eager, as bench/gpu/step.ts does them: prints one JSON line."""

import argparse
import json
import resource
import statistics
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2ForSequenceClassification

parser = argparse.ArgumentParser()
for name in ("layers", "width", "heads", "rows", "length", "steps"):
    parser.add_argument(f"--{name}", type=int, required=True)
parser.add_argument("--dtype", choices=["float32", "bfloat16"], required=True)
options = parser.parse_args()

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(1)
config = GPT2Config(
    n_layer=options.layers,
    n_embd=options.width,
    n_head=options.heads,
    n_positions=max(1024, options.length),
    num_labels=2,
    pad_token_id=50256,
    embd_pdrop=0,
    resid_pdrop=0,
    attn_pdrop=0,
)
lora = LoraConfig(
    task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True
)
model = get_peft_model(GPT2ForSequenceClassification(config), lora).to(device).train()
optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=1e-3)
inputs = torch.randint(0, 1000, (options.rows, options.length), device=device)
labels = torch.randint(0, 2, (options.rows,), device=device)


def step() -> float:
    started = time.perf_counter()
    with torch.autocast(device, dtype=torch.bfloat16, enabled=options.dtype == "bfloat16"):
        loss = model(input_ids=inputs, labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    loss.item()  # waits for the GPU, as Graft's step does
    return time.perf_counter() - started


for _ in range(10):
    step()
seconds = statistics.median(step() for _ in range(options.steps))
memory = (
    torch.cuda.max_memory_reserved()
    if device == "cuda"
    else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
)
print(json.dumps({"tokensPerSecond": options.rows * options.length / seconds, "memoryBytes": memory}))
