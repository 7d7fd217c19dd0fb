"""The real Hugging Face libraries as a measure: writes golden files, and checks what Graft wrote.

    python interop.py versions         the installed libraries, as JSON
    python interop.py golden FOLDER    models, adapters, logits and token ids that Graft must read alike
    python interop.py texts COUNT      random texts, a JSON string a line
    python interop.py tokens FILE OUT  token ids that a tokenizer.json gives for some texts
    python interop.py deltas DIR OUT   samples of an adapter's ΔW on GPT-2 small
    python interop.py losses BASE OUT  a language model's loss of each next token of a text
    python interop.py check FOLDER     reads what Graft wrote into FOLDER (see live.ts); one JSON object a line on stdout
"""

import json
import logging
import os
import random
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel, GPT2Model

LIBRARIES = ["torch", "transformers", "peft", "optimum-onnx", "onnxruntime", "safetensors", "tokenizers"]
PAD = 100
SIZES = dict(vocab_size=101, n_positions=16, n_embd=16, n_layer=2, n_head=2, bos_token_id=PAD, eos_token_id=PAD)


def versions():
    return {name: version(name) for name in LIBRARIES}


def write_json(path, value):
    Path(path).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


# --- inputs: what a model is asked


def batches():
    """Token ids and masks: padding on the right, on the left, and texts that end in the pad token or are nothing else."""
    generator = torch.Generator().manual_seed(5)
    rows = [torch.randint(0, PAD, (length,), generator=generator).tolist() for length in (9, 4, 1, 16)]

    def pad(side):
        width = max(map(len, rows))
        ids = [r + [PAD] * (width - len(r)) if side == "right" else [PAD] * (width - len(r)) + r for r in rows]
        mask = [
            [1] * len(r) + [0] * (width - len(r)) if side == "right" else [0] * (width - len(r)) + [1] * len(r)
            for r in rows
        ]
        return dict(name=f"padding on the {side}", input_ids=ids, attention_mask=mask)

    ends = [rows[0][:6] + [PAD, PAD], rows[1] + rows[2] + [7, 8, PAD], [PAD] * 8, [3, PAD, 4, 5, PAD, 6, 7, 8]]
    ends = [r for r in ends if len(r) == 8]
    return [
        pad("right"),
        pad("left"),
        dict(name="pad tokens in the text", input_ids=ends, attention_mask=[[1] * 8 for _ in ends]),
    ]


def with_logits(model, inputs):
    model = model.float().eval()
    with torch.no_grad():
        for batch in inputs:
            logits = model(
                input_ids=torch.tensor(batch["input_ids"]), attention_mask=torch.tensor(batch["attention_mask"])
            ).logits
            yield dict(batch, logits=logits.tolist())


def randomize(model, scale=0.3):
    """Larger than a fresh model's weights, so that every tensor matters for the logits."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data.normal_(1.0 if "ln_" in name and name.endswith("weight") else 0.0, scale)
    return model


# --- golden: models that Graft imports


def classifier(labels=2, names=None, bias=False, **sizes):
    config = GPT2Config(**{**SIZES, **sizes}, num_labels=labels, pad_token_id=PAD)
    if names:
        config.id2label = dict(enumerate(names))
        config.label2id = {name: id for id, name in enumerate(names)}
    model = GPT2ForSequenceClassification(config)
    if bias:
        model.score = torch.nn.Linear(config.n_embd, labels, bias=True)
    return randomize(model)


SEVEN = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"]


def golden_bases(out):
    cases = {
        "two-labels": (classifier(), {}),
        "seven-labels-sharded": (classifier(7, SEVEN, n_inner=24), dict(max_shard_size="8KB")),
        "half": (classifier(3, ["a", "b", "c"]).half(), {}),
        "bfloat16": (classifier(3, ["a", "b", "c"]).bfloat16(), {}),
        "head-with-bias": (classifier(7, SEVEN, bias=True), {}),
        "padded-vocabulary": (classifier(vocab_size=128), {}),
    }
    for name, (model, options) in cases.items():
        model.save_pretrained(out / name, **options)
        write_json(out / name / "golden.json", list(with_logits(model, batches())))
    # The embedding is padded to a size that computes well, and the configuration still says what is used of it.
    config_file = out / "padded-vocabulary" / "config.json"
    write_json(config_file, dict(json.loads(config_file.read_text()), vocab_size=SIZES["vocab_size"]))
    # As OpenAI's weights were published: no prefix, causal masks, the language model's head; float32.
    model = randomize(GPT2LMHeadModel(GPT2Config(**SIZES)))
    tensors = {name.removeprefix("transformer."): tensor.contiguous() for name, tensor in model.state_dict().items()}
    tensors["lm_head.weight"] = tensors["wte.weight"].clone()
    for layer in range(SIZES["n_layer"]):
        tensors[f"h.{layer}.attn.bias"] = torch.tril(torch.ones(16, 16)).view(1, 1, 16, 16)
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    folder = out / "language-model"
    folder.mkdir(parents=True)
    model.config.save_pretrained(folder)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


# --- golden: adapters that Graft imports

ADAPTERS = {
    "rank-1": dict(r=1, lora_alpha=2, target_modules="all-linear"),
    "rank-8-rslora": dict(r=8, lora_alpha=4, target_modules=["c_attn"], use_rslora=True, labels=7),
    "rank-64": dict(r=64, lora_alpha=16, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=False),
    "patterns": dict(
        r=4,
        lora_alpha=8,
        target_modules=["c_attn", "c_proj", "c_fc"],
        rank_pattern={"h.1.mlp.c_fc": 2, "attn.c_proj": 6, "c_attn": 3},
        alpha_pattern={"^transformer.h.0.attn.c_attn": 12, "c_fc": 3},
    ),
    "patterns-rslora": dict(
        r=4, lora_alpha=8, target_modules=["c_attn", "c_fc"], rank_pattern={"c_fc": 9}, use_rslora=True, labels=7
    ),
    "regular-expression": dict(r=2, lora_alpha=4, target_modules=r"transformer\.h\.\d+\.(attn\.c_attn|mlp\.c_proj)"),
    "one-block": dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_fc"], layers_to_transform=[1], layers_pattern="h"),
    "excluded": dict(r=2, lora_alpha=4, target_modules="all-linear", exclude_modules=["attn.c_proj"]),
    "modules-to-save": dict(r=2, lora_alpha=4, target_modules=["c_attn"], modules_to_save=["ln_f", "score"]),
    "head-with-bias": dict(r=2, lora_alpha=4, target_modules=["c_attn"], labels=7, bias_in_head=True),
    "without-head": dict(r=2, lora_alpha=4, target_modules=["c_attn"], task_type="CAUSAL_LM"),
    "token-embedding": dict(r=4, lora_alpha=2, target_modules=["wte", "c_attn"], rank_pattern={"wte": 3}),
    # On the bare model no name has "transformer." in front, and patterns are for its names.
    "bare-patterns": dict(
        r=2,
        lora_alpha=4,
        target_modules=["wte", "c_attn", "c_fc"],
        rank_pattern={r"^h\.1\.mlp\.c_fc": 3},
        alpha_pattern={"^h.0.attn.c_attn": 24},
        exclude_modules=r"h\.0\.mlp\..*",
        bare=True,
    ),
    "bare-regular-expression": dict(r=2, lora_alpha=4, target_modules=r"h\.\d+\.(attn\.c_attn|mlp\.c_proj)", bare=True),
    "whole-name-and-block": dict(
        r=2, lora_alpha=4, target_modules=["transformer.h.0.attn.c_attn", "c_fc"], layers_to_transform=[1]
    ),
    "block-saved-whole": dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_fc"], modules_to_save=["h.0.mlp", "score"]),
}


def adapted(base_dir, labels, settings, seed):
    """The model that PEFT made, and the classifier that it is or is a part of."""
    torch.manual_seed(seed)
    settings = dict(settings)
    bare = settings.pop("bare", False)
    bias = settings.pop("bias_in_head", False)
    task = settings.pop("task_type", "SEQ_CLS")
    settings.setdefault("fan_in_fan_out", True)
    model = GPT2ForSequenceClassification.from_pretrained(base_dir, num_labels=labels, ignore_mismatched_sizes=True)
    if bias:
        model.score = torch.nn.Linear(model.config.n_embd, labels, bias=True)
    task_type = task if task == "SEQ_CLS" and not bare else None
    peft = get_peft_model(model.transformer if bare else model, LoraConfig(task_type=task_type, **settings))
    peft.peft_config["default"].task_type = "FEATURE_EXTRACTION" if bare else task
    for name, parameter in peft.named_parameters():
        if parameter.requires_grad:
            parameter.data.normal_(0.0, 0.2)
    if not bare:
        return peft, peft
    model.transformer = peft.base_model.model
    return peft, model


def golden_adapters(out, base_dir):
    for seed, (name, settings) in enumerate(ADAPTERS.items()):
        settings = dict(settings)
        labels = settings.pop("labels", 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peft, model = adapted(base_dir, labels, settings, seed)
        peft.save_pretrained(out / name)
        (out / name / "README.md").unlink(missing_ok=True)
        write_json(out / name / "golden.json", list(with_logits(model, batches())))


def deltas(model, adapter):
    """ΔW of each layer, as the base stores it: [in, out]."""
    return {
        name.removeprefix("base_model.model."): module.get_delta_weight(adapter).detach().float().contiguous()
        for name, module in model.named_modules()
        if hasattr(module, "get_delta_weight") and adapter in module.lora_A
    }


def golden_merges(out, base_dir):
    """Three ways of making one adapter of two, by PEFT's add_weighted_adapter."""
    out.mkdir(parents=True)
    base = GPT2ForSequenceClassification.from_pretrained(base_dir, pad_token_id=PAD)
    model = None
    for seed, name in enumerate("ab"):
        config = LoraConfig(
            r=3, lora_alpha=[6, 4][seed], target_modules=["c_attn", "c_fc"][: 2 - seed], fan_in_fan_out=True
        )
        model = get_peft_model(base, config, adapter_name=name) if model is None else model
        if name not in model.peft_config:
            model.add_adapter(name, config)
        torch.manual_seed(seed)
        for key, parameter in model.named_parameters():
            if f".{name}." in key:
                parameter.data.normal_(0.0, 0.3)
        model.save_pretrained(out, selected_adapters=[name])
        (out / name / "README.md").unlink(missing_ok=True)
    (out / "README.md").unlink(missing_ok=True)
    for method in ("linear", "cat", "svd"):
        model.add_weighted_adapter(["a", "b"], [0.7, -0.4], method, combination_type=method, svd_rank=2)
        save_file(deltas(model, method), out / f"{method}.safetensors")


def golden_tokens(path, tokenizer):
    write_json(path, [dict(text=text, ids=tokenizer.encode(text).ids) for text in [*PICKED, *random_texts(150, 1)]])


PICKED = [
    "", " ", "\n", "  two  spaces ", "don't  stop", "1234567890 3.14", "\u00e9 e\u0301", "\U0001f44d\U0001f3fd", "\u65e5\u672c\u8a9e\u306e\u6587", "\u0130stanbul",
    "a\u00a0b\u2003c\u3000d", "\ufeffbom", "x" * 50, "tab\tand\r\nline", "\u0000\u0001\u007f", "\u0e01\u0e33 \u0939\u093f\u0902\u0926\u0940", "\u2028\u2029\u0085\u200b", " \u0085\u2e77", "a \ufeffb", "'S 'T 're'VE", "\u1680\u180e\ufffd", "\U0010ffff\ue000",
]  # fmt: skip


def random_texts(count, seed):
    """Texts of every script, of unassigned code points, and of the white space and apostrophes that the pieces depend on."""
    generator = random.Random(seed)
    planes = [(0, 0x7F), (0x80, 0x24F), (0x250, 0x1FFF), (0x2000, 0x2FFF), (0x3000, 0xD7FF), (0xE000, 0x10FFFF)]
    usual = "     \n\n\t\r'''sStT\u00a0\u2009\u3000etaoin0123.,!?"

    def character():
        return generator.choice(usual) if generator.random() < 0.5 else chr(generator.randint(*generator.choice(planes)))

    return ["".join(character() for _ in range(generator.randint(1, 40))) for _ in range(count)]


def golden(out):
    Path(out).mkdir(parents=True, exist_ok=True)
    os.chdir(out)  # files name other folders by relative paths
    out = Path()
    torch.manual_seed(1)
    golden_bases(out / "bases")
    torch.manual_seed(2)
    base = randomize(GPT2ForSequenceClassification(GPT2Config(**SIZES, pad_token_id=PAD)))
    base.save_pretrained(out / "adapters-base")
    golden_adapters(out / "adapters", out / "adapters-base")
    golden_merges(out / "merges", out / "adapters-base")
    write_json(out / "versions.json", versions())


# --- check: what Graft wrote


class Caught(logging.Handler):
    """Everything that the libraries complain about while they load, by warnings or by their loggers."""

    def __enter__(self):
        self.messages = []
        self.context = warnings.catch_warnings(record=True)
        self.warned = self.context.__enter__()
        warnings.simplefilter("always")
        for name in ("peft", "transformers", "optimum"):
            logging.getLogger(name).addHandler(self)
        return self

    def emit(self, record):
        if record.levelno >= logging.WARNING:
            self.messages.append(record.getMessage())

    def __exit__(self, *_):
        for name in ("peft", "transformers", "optimum"):
            logging.getLogger(name).removeHandler(self)
        self.messages += [str(each.message) for each in self.warned]
        self.context.__exit__(*_)


def report(name, ok, detail, **more):
    print(json.dumps(dict(name=name, ok=bool(ok), detail=detail, **more)), flush=True)


def largest_difference(model, golden_batches):
    found = list(with_logits(model, golden_batches))
    return max(
        (torch.tensor(a["logits"]) - torch.tensor(b["logits"])).abs().max().item() for a, b in zip(found, golden_batches)
    )


def check_base(folder):
    batches = json.loads((folder / "golden.json").read_text())
    with Caught() as caught:
        model = GPT2ForSequenceClassification.from_pretrained(folder)
    difference = largest_difference(model, batches)
    detail = f"max difference {difference:.1e}; warnings: {caught.messages or 'none'}"
    report(f"base {folder.name} in transformers", difference < 1e-4 and not caught.messages, detail)


def check_adapter(folder, base_dir):
    batches = json.loads((folder / "golden.json").read_text())
    labels = len(batches[0]["logits"][0])
    base = GPT2ForSequenceClassification.from_pretrained(base_dir, num_labels=labels, ignore_mismatched_sizes=True)
    with Caught() as caught:
        model = PeftModel.from_pretrained(base, folder)
    logits = [batch["logits"] for batch in with_logits(model, batches)]
    difference = largest_difference(model, batches)
    detail = f"max difference {difference:.1e}; warnings: {caught.messages or 'none'}"
    ok = difference < 1e-4 and not caught.messages
    report(f"adapter {folder.name} in PEFT", ok, detail, adapter=folder.name, logits=logits)


def check_bundle(folder, name):
    import onnxruntime
    from optimum.onnxruntime import ORTModelForSequenceClassification
    from transformers import AutoTokenizer, pipeline

    golden_texts = json.loads((folder / "texts.json").read_text())
    texts = [each["text"] for each in golden_texts]
    expected = torch.tensor([each["logits"] for each in golden_texts])
    with Caught() as caught:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = ORTModelForSequenceClassification.from_pretrained(folder)
    for side in ("right", "left"):
        tokenizer.padding_side = side
        encoded = tokenizer(texts if side == "right" else texts[:1], padding=True, truncation=True, return_tensors="np")
        session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
        feeds = {each.name: encoded[each.name].astype("int64") for each in session.get_inputs()}
        difference = (torch.tensor(session.run(None, feeds)[0]) - expected[: len(feeds["input_ids"])]).abs().max().item()
        if side == "right":
            report(f"{name} in onnxruntime", difference < 1e-4, f"max difference {difference:.1e}")
    tokenizer.padding_side = "right"
    encoded = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    difference = (model(**encoded).logits - expected).abs().max().item()
    detail = f"max difference {difference:.1e}; warnings: {caught.messages or 'none'}"
    report(f"{name} in Optimum", difference < 1e-4 and not caught.messages, detail)
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, batch_size=3, top_k=None, truncation=True)
    wrong = 0
    for result, row in zip(classify(texts), expected):
        probabilities = row.softmax(-1).tolist()
        named = {model.config.id2label[id]: probability for id, probability in enumerate(probabilities)}
        wrong += any(abs(named[each["label"]] - each["score"]) > 1e-4 for each in result)
    report(f"{name} in a pipeline", wrong == 0, f"{len(texts)} texts, {wrong} with other labels or scores")


def check_tokenizer(folder):
    """The ids that Graft gave, against both our own files and the published ones, each read by the real library."""
    from transformers import AutoTokenizer, GPT2Tokenizer

    libraries = {"tokenizer.json in tokenizers": Tokenizer.from_file(str(folder / "tokenizer.json"))}
    published = Path(sys.argv[3]) / "hf-gpt2-tokenizer" if len(sys.argv) > 3 else None
    if published and published.exists():
        import gzip

        libraries["the published tokenizer.json"] = Tokenizer.from_str(
            gzip.open(published / "tokenizer.json.gz", "rt", encoding="utf-8").read()
        )
    for name, tokenizer in libraries.items():
        tokenizer.no_truncation()
        tokenizer.no_padding()
        texts = differences = 0
        for line in (folder / "tokens.jsonl").open(encoding="utf-8"):
            each = json.loads(line)
            texts += 1
            differences += tokenizer.encode(each["text"]).ids != each["ids"]
        report(f"token ids: {name}", differences == 0 and texts > 0, f"{texts} texts, {differences} with other ids")
    slow = GPT2Tokenizer.from_pretrained(folder)
    fast = AutoTokenizer.from_pretrained(folder)
    sample = [*PICKED, *random_texts(500, 7)]
    same = sum(slow(text)["input_ids"] == fast(text)["input_ids"] for text in sample)
    detail = f"{same} of {len(sample)} texts alike by vocab.json and merges.txt, and by tokenizer.json"
    report("GPT2Tokenizer and AutoTokenizer", same == len(sample) and slow.pad_token == "<|endoftext|>", detail)


def check_deltas(folder):
    """ΔW of a published adapter for GPT-2 small: ours, against PEFT's on a model of its shape."""
    ours = load_file(folder / "deltas.safetensors")
    source = json.loads((folder / "source.json").read_text())["adapter"]
    model = PeftModel.from_pretrained(GPT2LMHeadModel(GPT2Config()), source)
    theirs = deltas(model, "default")
    same = ours.keys() == theirs.keys()
    difference = max((ours[name] - theirs[name]).abs().max().item() for name in theirs) if same else float("nan")
    report("ΔW of peft-gpt2-lora-causal", same and difference < 1e-6, f"{len(ours)} layers, max difference {difference:.1e}")


def golden_deltas(source, path):
    """Of each layer's ΔW its norm and some of its values: the adapter itself is no part of the project."""
    model = PeftModel.from_pretrained(GPT2LMHeadModel(GPT2Config()), source)
    generator = random.Random(1)

    def sample(delta):
        places = [(generator.randrange(delta.shape[0]), generator.randrange(delta.shape[1])) for _ in range(8)]
        return dict(norm=delta.double().norm().item(), values=[[i, j, delta[i, j].item()] for i, j in places])

    write_json(path, {name: sample(delta) for name, delta in deltas(model, "default").items()})


def golden_losses(folder, path):
    from transformers import AutoTokenizer

    text = "The film is a quiet one, and it stays with you for days."
    ids = torch.tensor([AutoTokenizer.from_pretrained(folder)(text)["input_ids"]])
    model = GPT2LMHeadModel.from_pretrained(folder).float().eval()
    with torch.no_grad():
        losses = torch.nn.functional.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:], reduction="none")
    write_json(path, dict(transformers=version("transformers"), text=text, ids=ids[0].tolist(), losses=losses.tolist()))


def check(folder):
    folder = Path(folder)
    for each in sorted((folder / "bases").iterdir()):
        check_base(each)
    for each in sorted((folder / "adapters").iterdir()):
        check_adapter(each, folder / "adapters-base")
    for each in sorted((folder / "bundles").iterdir()):
        check_bundle(each, f"bundle {each.name}")
    check_tokenizer(folder / "tokenizer")
    if (folder / "causal").exists():
        check_deltas(folder / "causal")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:] or ["help"]
    if command == "versions":
        print(json.dumps(versions()))
    elif command == "golden":
        golden(arguments[0])
    elif command == "check":
        check(arguments[0])
    elif command == "tokens":
        golden_tokens(arguments[1], Tokenizer.from_file(arguments[0]))
    elif command == "deltas":
        golden_deltas(*arguments)
    elif command == "losses":
        golden_losses(*arguments)
    elif command == "texts":
        for text in random_texts(int(arguments[0]), 3):
            print(json.dumps(text))
    else:
        print(__doc__)
        sys.exit(2)
