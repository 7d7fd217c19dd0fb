"""The model's ops as PyTorch and transformers compute them, with their gradients.

    python ops.py golden FOLDER    writes ops.json: for each case its inputs, its result, and gradients of the sum of
                                   result · weight by the inputs that have one
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers.activations import ACT2FN
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb

generator = torch.Generator().manual_seed(11)


def random(*shape):
    return torch.randn(shape, generator=generator)


def tensor(x):
    """Digits that give the same single-precision numbers again."""
    return {"shape": list(x.shape), "values": [float(f"{value:.9g}") for value in x.detach().flatten().tolist()]}


def case(name, function, inputs, options=None):
    """`function` takes the inputs, all of which are differentiated by."""
    inputs = {key: value.clone().requires_grad_(True) for key, value in inputs.items()}
    result = function(*inputs.values())
    weight = random(*result.shape)
    (result * weight).sum().backward()
    return {
        "name": name,
        "options": options or {},
        "inputs": {key: tensor(value) for key, value in inputs.items()},
        "weight": tensor(weight),
        "result": tensor(result),
        "gradients": {key: tensor(value.grad) for key, value in inputs.items()},
    }


def activation_cases():
    x = torch.cat([torch.linspace(-10, 10, 161), torch.tensor([0.0, 1e-4, -1e-4, 30.0, -30.0, 200.0, -200.0])])
    names = ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "tanh"]
    return [case(name, ACT2FN[name], {"x": x.reshape(8, 21)}) for name in names]


def rms_norm(x, scale, epsilon):
    norm = LlamaRMSNorm(x.shape[-1], eps=epsilon)
    del norm.weight
    norm.weight = scale
    return norm(x)


def angles(sequence, size, theta):
    frequencies = 1.0 / (theta ** (torch.arange(0, size, 2, dtype=torch.int64).float() / size))
    both = torch.outer(torch.arange(sequence).float(), frequencies).repeat(1, 2)
    return both.cos()[None], both.sin()[None]


def rotary(x, theta):
    return apply_rotary_pos_emb(x, x, *angles(x.shape[2], x.shape[3], theta))[0]


def attention(query, key, value, mask, heads, key_value_heads, causal, theta):
    batch, sequence = mask.shape
    split = lambda x, count: x.reshape(batch, sequence, count, -1).transpose(1, 2)
    q, k, v = split(query, heads), split(key, key_value_heads), split(value, key_value_heads)
    if theta:
        q, k = apply_rotary_pos_emb(q, k, *angles(sequence, q.shape[3], theta))
    allowed = mask.bool()[:, None, None, :].expand(batch, 1, sequence, sequence)
    if causal:
        allowed = allowed & torch.ones(sequence, sequence).tril().bool()
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed, enable_gqa=True)
    return mixed.transpose(1, 2).reshape(batch * sequence, -1)


def attention_case(name, *, heads, key_value_heads, size, causal, theta=None):
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    rows = mask.numel()
    inputs = {
        "query": random(rows, heads * size),
        "key": random(rows, key_value_heads * size),
        "value": random(rows, key_value_heads * size),
    }
    options = dict(heads=heads, keyValueHeads=key_value_heads, causal=causal, mask=mask.tolist(), theta=theta)
    run = lambda query, key, value: attention(query, key, value, mask, heads, key_value_heads, causal, theta)
    return case(name, run, inputs, options)


def cases():
    return [
        *activation_cases(),
        case(
            "rms normalization",
            lambda x, scale: rms_norm(x, scale, 1e-6),
            {"x": random(4, 24), "scale": 1 + random(24) / 4},
            {"epsilon": 1e-6},
        ),
        case("rotary", lambda x: rotary(x, 10000.0), {"x": random(2, 3, 6, 8)}, {"theta": 10000.0}),
        attention_case("encoder", heads=3, key_value_heads=3, size=8, causal=False),
        attention_case("decoder", heads=2, key_value_heads=2, size=8, causal=True, theta=10000.0),
        attention_case("groups", heads=6, key_value_heads=2, size=4, causal=True, theta=500.0),
    ]


if __name__ == "__main__":
    [command, folder] = sys.argv[1:]
    if command != "golden":
        sys.exit(__doc__)
    (Path(folder) / "ops.json").write_text("[\n" + ",\n".join(json.dumps(entry) for entry in cases()) + "\n]\n")
