"""What PyTorch and PEFT reach with the recipe that Graft's loop follows: LoRA on all linear layers of a frozen base.

    npx tsx bench/accuracy/write.ts FOLDER
    python bench/accuracy/reference.py --base models/hf/minilm --sets FOLDER [--set NAME ...] [--seeds 1 2 3]

Prints a line of JSON for each set and seed. Batches, schedule, clipping, AdamW and the choice of the checkpoint are those of
src/train (task/classification.ts, schedule.ts, optimizer.ts, loop.ts). As there, the base's own dropout is off: adapters have
theirs. --recipe takes what a recipe of Graft's says, as bench/accuracy/minilm.json; epochs are sets.ts'. --part validation
leaves the test part alone, for choosing settings.
"""

import argparse
import csv
import json
import math
import os
import re
import sys
import time
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer

WINDOW_BATCHES = 50
PARTS = ("train", "validation", "test")
SETTINGS = {
    *("epochs", "learning_rate", "batch_size", "warmup", "decay", "weight_decay", "beta2", "max_length", "token_dropout"),
    *("rank", "alpha", "dropout", "initialization"),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--sets", required=True, type=Path)
    parser.add_argument("--set", nargs="*")
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--part", choices=["validation", "test"], default="test")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true", help="half precision, for choosing settings")
    parser.add_argument("--recipe", type=Path)
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--epochs", type=int, default=5)
    recipe.add_argument("--learning-rate", type=float, default=5e-4)
    recipe.add_argument("--batch-size", type=int, default=16)
    recipe.add_argument("--rank", type=int, default=8)
    recipe.add_argument("--alpha", type=float, default=16)
    recipe.add_argument("--dropout", type=float, default=0.05)
    recipe.add_argument("--token-dropout", type=float, default=0.0)
    recipe.add_argument("--initialization", choices=["normal", "kaiming"], default="normal")
    recipe.add_argument("--exclude", nargs="*", default=[], help="linear layers without an adapter")
    recipe.add_argument("--warmup", type=float, default=0.1)
    recipe.add_argument("--decay", choices=["linear", "cosine"], default="linear")
    recipe.add_argument("--weight-decay", type=float, default=0.01)
    recipe.add_argument("--beta2", type=float, default=0.95)
    recipe.add_argument("--max-length", type=int, default=128)
    recipe.add_argument("--max-steps", type=int, default=0, help="do only so many of them, for timing")
    given = parser.parse_args().recipe
    if given:
        parser.set_defaults(**recipe_settings(json.loads(given.read_text())))
    return parser.parse_args()


def recipe_settings(recipe):
    """By this program's names, which are Python's; LoRA's own stand apart in the file."""
    flat = {**recipe, **recipe.get("lora", {})}
    ours = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): value for name, value in flat.items()}
    left = ours.keys() - SETTINGS - {"method", "lora"}
    if left:
        raise SystemExit(f"this program does not know the recipe's {', '.join(sorted(left))}")
    return {name: value for name, value in ours.items() if name in SETTINGS}


# --- data


def read_set(folder, tokenizer, max_length):
    """Of each part the token ids and the label ids, and the labels' names."""
    rows = {part: list(csv.DictReader((folder / f"{part}.csv").open(newline="", encoding="utf-8"))) for part in PARTS}
    names = sorted({row["label"] for part in PARTS for row in rows[part]})

    def encode(part):
        texts = [row["text"] for row in part]
        ids = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
        return ids, [names.index(row["label"]) for row in part]

    return {part: encode(rows[part]) for part in PARTS}, names


def cut(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def bucket_batches(lengths, batch_size, generator=None):
    """Windows of 50 batches are drawn at random, sorted by length and cut, and the batches are shuffled."""
    shuffle = lambda items: [items[at] for at in torch.randperm(len(items), generator=generator)]
    order = shuffle(list(range(len(lengths)))) if generator else list(range(len(lengths)))
    windows = cut(order, WINDOW_BATCHES * batch_size) if generator else [order]
    batches = [each for window in windows for each in cut(sorted(window, key=lengths.__getitem__), batch_size)]
    return shuffle(batches) if generator else batches


def pad(sequences, pad_id):
    width = max(map(len, sequences))
    ids = torch.tensor([each + [pad_id] * (width - len(each)) for each in sequences])
    mask = torch.tensor([[1] * len(each) + [0] * (width - len(each)) for each in sequences])
    return dict(input_ids=ids, attention_mask=mask)


def drop_tokens(sequence, share, generator):
    """Word dropout (Iyyer et al. 2015); the special tokens at both ends stay."""
    if share == 0:
        return sequence
    kept = (torch.rand(len(sequence), generator=generator) >= share).tolist()
    return [id for at, id in enumerate(sequence) if kept[at] or at in (0, len(sequence) - 1)]


# --- model


def adapted(recipe, labels):
    dropout = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    # The fused attention's gradient is slow in half precision on a CPU.
    attention = "eager" if recipe.bfloat16 else "sdpa"
    model = AutoModelForSequenceClassification.from_pretrained(
        recipe.base, num_labels=labels, attn_implementation=attention, **dropout
    )
    config = LoraConfig(
        task_type="SEQ_CLS",
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        exclude_modules=recipe.exclude or None,
    )
    model = get_peft_model(model, config)
    if recipe.initialization == "normal":
        for name, parameter in model.named_parameters():
            if "lora_A" in name:
                parameter.data.normal_(0.0, 0.01)
    return model


def logits_of(model, sequences, pad_id, bfloat16):
    model.eval()
    found = [None] * len(sequences)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        for batch in bucket_batches([len(each) for each in sequences], 32):
            rows = model(**pad([sequences[at] for at in batch], pad_id)).logits
            for at, row in zip(batch, rows):
                found[at] = row
    return torch.stack(found).double()


# --- which checkpoint is better: by McNemar's exact test, else by the loss after temperature scaling


def calibrated_loss(logits, labels):
    """The lowest cross-entropy over all scales of the logits; it is convex in the scale."""
    loss = lambda log: torch.nn.functional.cross_entropy(logits * math.exp(log), labels).item()
    low, high = -10.0, 10.0
    for _ in range(60):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return loss(low)


def is_better(new, best):
    gained = int((new["right"] & ~best["right"]).sum())
    lost = int((best["right"] & ~new["right"]).sum())
    tosses = gained + lost
    chance = min(1.0, 2 * sum(math.comb(tosses, k) for k in range(min(gained, lost) + 1)) / 2**tosses)
    return gained > lost if chance < 0.05 else new["loss"] < best["loss"]


# --- training


def rate_at(step, total, recipe):
    warmup = round(recipe.warmup * total)
    if step <= warmup:
        return recipe.learning_rate * step / warmup
    left = (total - step + 1) / (total - warmup + 1)
    return recipe.learning_rate * (left if recipe.decay == "linear" else (1 - math.cos(math.pi * left)) / 2)


def train(recipe, data, names, pad_id, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    sequences, labels = data["train"]
    truth = {part: torch.tensor(data[part][1]) for part in PARTS}
    model = adapted(recipe, len(names))
    adapter_names = {name for name, each in model.named_parameters() if each.requires_grad}
    trained = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained, betas=(0.9, recipe.beta2), weight_decay=recipe.weight_decay)
    per_epoch = math.ceil(len(sequences) / recipe.batch_size)
    total, step, best, history = recipe.epochs * per_epoch, 0, None, []
    started = time.perf_counter()
    for epoch in range(recipe.epochs):
        model.train()
        for batch in bucket_batches([len(each) for each in sequences], recipe.batch_size, generator):
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step, total, recipe)
            inputs = pad([drop_tokens(sequences[at], recipe.token_dropout, generator) for at in batch], pad_id)
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
                logits = model(**inputs).logits
            loss = torch.nn.functional.cross_entropy(logits.float(), torch.tensor([labels[at] for at in batch]))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            if step == recipe.max_steps:
                return dict(steps=step, seconds=time.perf_counter() - started)
        logits = logits_of(model, data["validation"][0], pad_id, recipe.bfloat16)
        right = logits.argmax(-1) == truth["validation"]
        found = dict(right=right, loss=calibrated_loss(logits, truth["validation"]))
        history.append([round(right.double().mean().item(), 4), round(found["loss"], 4)])
        print(f"epoch {epoch + 1}: {history[-1]}, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
        if best is None or is_better(found, best):
            state = {name: each.clone() for name, each in model.state_dict().items() if name in adapter_names}
            best = dict(found, epoch=epoch + 1, state=state)
    result = dict(validation=history[best["epoch"] - 1][0], epoch=best["epoch"], history=history)
    if recipe.part == "test":
        model.load_state_dict(best["state"], strict=False)
        answers = logits_of(model, data["test"][0], pad_id, recipe.bfloat16).argmax(-1)
        result["test"] = round((answers == truth["test"]).double().mean().item(), 4)
    return dict(result, seconds=round(time.perf_counter() - started))


def main():
    recipe = arguments()
    warnings.simplefilter("ignore")
    torch.set_num_threads(recipe.threads)
    tokenizer = AutoTokenizer.from_pretrained(recipe.base)
    for name in recipe.set or sorted(each.name for each in recipe.sets.iterdir()):
        data, names = read_set(recipe.sets / name, tokenizer, recipe.max_length)
        for seed in recipe.seeds:
            result = train(recipe, data, names, tokenizer.pad_token_id, seed)
            print(json.dumps(dict(set=name, seed=seed, **result)), flush=True)


if __name__ == "__main__":
    main()
