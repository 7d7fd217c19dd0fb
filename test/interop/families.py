"""Every family of models that Graft reads, as transformers and PEFT make them: tiny ones with random weights, and their answers.

    python families.py golden FOLDER    models, logits, PEFT's adapters with theirs, and configurations that are refused

A folder a model: config.json, model.safetensors, logits.json (a list of batches: input_ids, attention_mask, token_type_ids where
the family takes them, logits), adapters/NAME/ (PEFT's two files and logits.json, with the same batches). A checkpoint without a
classifier's head has one of its own in head.safetensors, by transformers' names, and the logits are of both together.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from interop import SEVEN, write_json
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
    RobertaConfig,
    XLMRobertaConfig,
)

VOCABULARY = 64
POSITIONS = 16
LENGTHS = (9, 4, 1, 16, 2, 13)

ENCODER = dict(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24)
BERT = dict(ENCODER, max_position_embeddings=POSITIONS, pad_token_id=0)
# Positions are counted from the pad token's id + 1 on.
ROBERTA = dict(ENCODER, max_position_embeddings=POSITIONS + 2, pad_token_id=1, type_vocab_size=1, layer_norm_eps=1e-5)
DISTILBERT = dict(
    vocab_size=VOCABULARY, dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=POSITIONS, pad_token_id=0
)
DECODER = dict(
    ENCODER,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=32,
    pad_token_id=2,
    bos_token_id=1,
    eos_token_id=2,
)
LLAMA3 = dict(
    rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32
)

BERT_PATTERNS = dict(target_modules=["query", "value", "intermediate.dense", "pooler.dense"])
ROBERTA_PATTERNS = dict(target_modules=["query", "value", "intermediate.dense", "output.dense"])
ENCODER_RANKS = dict(rank_pattern={r"layer\.1\.attention\.self\.query": 2, "dense": 3}, alpha_pattern={"value": 5})
DECODER_PATTERNS = dict(
    target_modules=["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"],
    rank_pattern={r"layers\.1\.self_attn\.q_proj": 2, "gate_proj": 3},
    alpha_pattern={"v_proj": 5},
)

# name → configuration, what the checkpoint was saved from, and PEFT's settings besides all-linear.
FAMILIES = {
    "bert": (BertConfig(**BERT), None, dict(BERT_PATTERNS, **ENCODER_RANKS)),
    "bert-seven-labels": (BertConfig(**BERT, num_labels=7, hidden_act="gelu_new", layer_norm_eps=1e-3), None, None),
    "bert-bare": (BertConfig(**BERT), AutoModel, None),
    "bert-language-model": (BertConfig(**BERT), AutoModelForMaskedLM, None),
    "distilbert": (
        DistilBertConfig(**DISTILBERT),
        None,
        dict(
            target_modules=["q_lin", "v_lin", "lin1"],
            rank_pattern={r"layer\.1\.attention\.q_lin": 2, "lin1": 3},
            alpha_pattern={"v_lin": 5},
        ),
    ),
    "distilbert-language-model": (DistilBertConfig(**DISTILBERT), AutoModelForMaskedLM, None),
    "roberta": (RobertaConfig(**ROBERTA), None, dict(ROBERTA_PATTERNS, **ENCODER_RANKS)),
    "roberta-bare": (RobertaConfig(**ROBERTA), AutoModel, None),
    "roberta-language-model": (RobertaConfig(**ROBERTA), AutoModelForMaskedLM, None),
    "xlm-roberta": (XLMRobertaConfig(**ROBERTA, num_labels=7), None, dict(ROBERTA_PATTERNS, **ENCODER_RANKS)),
    "llama": (LlamaConfig(**dict(DECODER, num_hidden_layers=3)), None, DECODER_PATTERNS),
    "llama-bare": (LlamaConfig(**DECODER, rope_theta=500.0), AutoModel, None),
    "llama-language-model": (LlamaConfig(**DECODER, rms_norm_eps=1e-3), AutoModelForCausalLM, None),
    "llama-tied": (LlamaConfig(**DECODER, tie_word_embeddings=True), AutoModelForCausalLM, None),
    "llama-biases": (LlamaConfig(**DECODER, attention_bias=True, mlp_bias=True, num_labels=7), None, None),
    "llama-head-dim": (LlamaConfig(**DECODER, head_dim=8), None, None),
    "llama-rope-llama3": (
        LlamaConfig(
            **dict(DECODER, num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=128),
            head_dim=16,
            rope_theta=100.0,
            rope_scaling=LLAMA3,
        ),
        None,
        None,
    ),
    "llama-transformers-5": (LlamaConfig(**DECODER, rope_theta=50.0), None, None),
    "llama-without-pad": (LlamaConfig(**dict(DECODER, pad_token_id=None)), None, None),
    "mistral": (MistralConfig(**DECODER, sliding_window=None), None, DECODER_PATTERNS),
    "qwen2": (Qwen2Config(**DECODER), None, DECODER_PATTERNS),
    "qwen2-tied": (Qwen2Config(**DECODER, tie_word_embeddings=True), AutoModelForCausalLM, None),
    "qwen3": (Qwen3Config(**DECODER, head_dim=8), None, DECODER_PATTERNS),
    "qwen3-biases": (Qwen3Config(**DECODER, head_dim=8, attention_bias=True, num_labels=7), None, None),
}


def is_encoder(config):
    return "bert" in config.model_type


# --- inputs


def padded(rows, pad, side):
    width = max(map(len, rows))
    fill = [[pad] * (width - len(row)) for row in rows]
    left = side == "left"
    return dict(
        name=f"padding on the {side}",
        input_ids=[f + row if left else row + f for f, row in zip(fill, rows)],
        attention_mask=[
            [0] * len(f) + [1] * len(row) if left else [1] * len(row) + [0] * len(f) for f, row in zip(fill, rows)
        ],
    )


def batches(config):
    """Padding on the right, for decoders on the left too, and texts that end in the pad token, have it inside or are nothing else."""
    generator = torch.Generator().manual_seed(5)
    pad = config.pad_token_id
    rows = [torch.randint(3, VOCABULARY, (length,), generator=generator).tolist() for length in LENGTHS]
    if pad is None:
        return [dict(name=f"{len(row)} tokens", input_ids=[row], attention_mask=[[1] * len(row)]) for row in rows]
    inside = [rows[0][:6] + [pad, pad], rows[3][:5] + [7, 8, pad], [pad] * 8, [3, pad, 4, 5, pad, 6, 7, 8]]
    found = [padded(rows, pad, "right")]
    if not is_encoder(config):
        found.append(padded(rows, pad, "left"))
    found.append(dict(name="pad tokens in the text", input_ids=inside, attention_mask=[[1] * 8 for _ in inside]))
    if config.model_type != "bert":
        return found
    for batch in found:
        batch["token_type_ids"] = [[0] * len(row) for row in batch["input_ids"]]
    halves = [[0] * (len(row) // 2) + [1] * (max(LENGTHS) - len(row) // 2) for row in rows]
    return [*found, dict(found[0], name="two segments", token_type_ids=halves)]


INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def short(values):
    """As many digits as a float32 has."""
    return [short(each) for each in values] if isinstance(values, list) else float(f"{values:.8g}")


def with_logits(model, inputs):
    model = model.float().eval()
    with torch.no_grad():
        for batch in inputs:
            tensors = {name: torch.tensor(batch[name]) for name in INPUTS if name in batch}
            yield dict(batch, logits=short(model(**tensors).logits.tolist()))


def write_logits(path, model, inputs):
    """A row of ids or logits a line."""
    found = []
    for batch in with_logits(model, inputs):
        rows = [f'  "name": {json.dumps(batch["name"])}']
        for name in (*INPUTS, "logits"):
            if name in batch:
                rows.append(f'  "{name}": [\n' + ",\n".join(f"   {json.dumps(row)}" for row in batch[name]) + "\n  ]")
        found.append(" {\n" + ",\n".join(rows) + "\n }")
    Path(path).write_text("[\n" + ",\n".join(found) + "\n]\n")


# --- models


def randomize(model, scale=0.3):
    """Larger than a fresh model's weights, so that every tensor matters; those that scale a normalization are about 1."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            scales = "norm" in name.lower() and name.endswith("weight")
            parameter.data.normal_(1.0 if scales else 0.0, scale)
    return model


def build(config, source):
    """The classifier, the model whose checkpoint is saved, and the head that it lacks."""
    if config.num_labels == 7:
        config.id2label = dict(enumerate(SEVEN))
        config.label2id = {name: id for id, name in enumerate(SEVEN)}
    config._attn_implementation = "eager"
    classifier = randomize(AutoModelForSequenceClassification.from_config(config))
    if source is None:
        return classifier, classifier, {}
    saved = randomize(source.from_config(config))
    body = saved.base_model.state_dict()
    missing = classifier.base_model.load_state_dict(body, strict=False).missing_keys
    prefix = classifier.base_model_prefix + "."
    kept = {prefix + name for name in body if name not in missing}
    return classifier, saved, {name: tensor for name, tensor in classifier.state_dict().items() if name not in kept}


def as_transformers_5(path):
    """Its way of writing the rotary angles' settings."""
    config = json.loads(path.read_text())
    config["rope_parameters"] = dict(rope_theta=config.pop("rope_theta"), rope_type="default")
    del config["rope_scaling"]
    write_json(path, dict(config, transformers_version="5.0.0"))


def golden_model(folder, config, source):
    classifier, saved, head = build(config, source)
    saved.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if head:
        save_file(head, folder / "head.safetensors", metadata={"format": "pt"})
    write_logits(folder / "logits.json", classifier, batches(config))
    if folder.name == "llama-transformers-5":
        as_transformers_5(folder / "config.json")


# --- adapters


def adapter(model, settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peft = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=8, **settings))
    for parameter in peft.parameters():
        if parameter.requires_grad:
            parameter.data.normal_(0.0, 0.2)
    return peft


def golden_adapters(folder, config, patterns):
    cases = {"all-linear": dict(target_modules="all-linear"), "patterns": dict(patterns, use_rslora=True)}
    # PEFT saves modules whose names end in "classifier", and then cannot adapt this one, which its all-linear has too.
    if config.model_type == "distilbert":
        cases["all-linear"]["exclude_modules"] = ["pre_classifier"]
    if folder.name == "bert":
        saved = dict(exclude_modules=["pooler.dense"], modules_to_save=["pooler", "classifier"])
        cases["pooler-saved-whole"] = dict(target_modules=["query", "dense"], **saved)
    for name, settings in cases.items():
        out = folder / "adapters" / name
        model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
        peft = adapter(model, settings)
        peft.peft_config["default"].base_model_name_or_path = folder.name
        # A set, whose order would be another each time.
        peft.peft_config["default"].target_modules = sorted(peft.peft_config["default"].target_modules)
        peft.save_pretrained(out, save_embedding_layers=False)
        (out / "README.md").unlink(missing_ok=True)
        write_logits(out / "logits.json", peft, batches(config))


# --- what is refused


def refused():
    def case(name, config, why, **changes):
        return dict(name=name, config=dict(config.to_dict(), **changes), why=why)

    llama, bert, distilbert = LlamaConfig(**DECODER), BertConfig(**BERT), DistilBertConfig(**DISTILBERT)
    mistral, qwen2, qwen3 = MistralConfig(**DECODER, sliding_window=None), Qwen2Config(**DECODER), Qwen3Config(**DECODER)
    four_bits = dict(quant_method="bitsandbytes", load_in_4bit=True)
    yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=8)
    return [
        case("rope-linear", llama, "rope_scaling", rope_scaling=dict(rope_type="linear", factor=2.0)),
        case("rope-dynamic", llama, "rope_scaling", rope_scaling=dict(rope_type="dynamic", factor=2.0)),
        case("rope-yarn", llama, "rope_scaling", rope_scaling=yarn),
        case("rope-old-name", llama, "rope_scaling", rope_scaling=dict(type="linear", factor=2.0)),
        case("rope-parameters", llama, "rope_parameters", rope_parameters=dict(rope_theta=1e4, **yarn)),
        case("sliding-window", mistral, "sliding_window", sliding_window=4),
        case("qwen2-sliding-window", qwen2, "use_sliding_window", use_sliding_window=True, sliding_window=4),
        case("qwen3-sliding-window", qwen3, "use_sliding_window", use_sliding_window=True, sliding_window=4),
        case("llama-activation", llama, "hidden_act", hidden_act="gelu_of_tomorrow"),
        case("quantized", llama, "quantization_config", quantization_config=four_bits),
        case("bert-quantized", bert, "quantization_config", quantization_config=four_bits),
        case("bert-activation", bert, "hidden_act", hidden_act="gelu_of_tomorrow"),
        case("distilbert-activation", distilbert, "activation", activation="gelu_of_tomorrow"),
        case("bert-relative-positions", bert, "position_embedding_type", position_embedding_type="relative_key"),
        case("bert-decoder", bert, "is_decoder", is_decoder=True),
        case("bert-cross-attention", bert, "add_cross_attention", is_decoder=True, add_cross_attention=True),
        case("llama-heads", llama, "num_key_value_heads", num_key_value_heads=3),
        case("llama-odd-heads", llama, "head_dim", head_dim=5),
        case("bert-heads", bert, "num_attention_heads", num_attention_heads=3),
        *(
            case(name, config, "model_type", model_type=name)
            for name, config in [
                ("mixtral", mistral),
                ("qwen3_moe", qwen3),
                ("gemma", llama),
                ("gemma2", llama),
                ("phi3", llama),
                ("deberta-v2", bert),
                ("albert", bert),
                ("electra", bert),
                ("modernbert", bert),
                ("t5", bert),
            ]
        ),
    ]


def golden(out):
    out = Path(out)
    for seed, (name, (config, source, patterns)) in enumerate(FAMILIES.items()):
        torch.manual_seed(seed)
        golden_model(out / name, config, source)
        if patterns:
            golden_adapters(out / name, config, patterns)
    write_json(out / "refused.json", refused())


if __name__ == "__main__":
    command, *arguments = sys.argv[1:] or ["help"]
    if command == "golden":
        golden(arguments[0])
    else:
        print(__doc__)
        sys.exit(2)
