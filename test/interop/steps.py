"""Golden values of training steps: PEFT and PyTorch from an adapter's start, AdamW, and LoRA+ as PEFT has it.

python test/interop/steps.py writes test/interop/golden/steps.json.
"""

import json
import os
import random
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import PeftModel
from peft.optimizers import create_loraplus_optimizer
from transformers import AutoModelForSequenceClassification

GOLDEN = Path(__file__).parent / "golden"
ADAPTER = "rank-8-rslora"
STEPS, RATE, RATIO, DECAY, BETA2, NORM = 20, 2e-3, 4, 0.01, 0.95, 1.0

draw = random.Random(1)
BATCHES = [
    dict(ids=[[draw.randrange(100) for _ in range(7)] for _ in range(4)], labels=[draw.randrange(3) for _ in range(4)])
    for _ in range(STEPS)
]


def model():
    base = AutoModelForSequenceClassification.from_pretrained(
        GOLDEN / "adapters-base", num_labels=7, ignore_mismatched_sizes=True
    )
    # The base's own dropout is off where it is frozen, as in Graft.
    return PeftModel.from_pretrained(base, GOLDEN / "adapters" / ADAPTER, is_trainable=True).eval()


def losses(name):
    net = model()
    options = dict(lr=RATE, betas=(0.9, BETA2), eps=1e-8)
    if name == "lora+":
        optimizer = create_loraplus_optimizer(
            net, torch.optim.AdamW, loraplus_lr_ratio=RATIO, loraplus_weight_decay=DECAY, **options
        )
    else:
        trained = [each for each in net.parameters() if each.requires_grad]
        optimizer = torch.optim.AdamW(trained, weight_decay=DECAY, **options)
    found = []
    for batch in BATCHES:
        ids = torch.tensor(batch["ids"])
        loss = net(input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.tensor(batch["labels"])).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([each for each in net.parameters() if each.requires_grad], NORM)
        optimizer.step()
        found.append(loss.item())
    return found


golden = dict(
    adapter=ADAPTER,
    settings=dict(learningRate=RATE, loraPlusRatio=RATIO, weightDecay=DECAY, beta2=BETA2, maxGradientNorm=NORM),
    batches=BATCHES,
    losses={name: losses(name) for name in ("adamw", "lora+")},
)
(GOLDEN / "steps.json").write_text(json.dumps(golden) + "\n")
print(golden["losses"])
