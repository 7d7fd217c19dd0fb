"""Golden values of NF4: matrices, and what bitsandbytes 0.50 makes of them on a CPU.

    python test/interop/nf4.py > test/interop/golden/nf4.json
"""

import json

import torch
from bitsandbytes.functional import quantize_4bit

generator = torch.Generator().manual_seed(1)
CASES = {
    "normal": torch.randn(24, 64, generator=generator),
    # Blocks run on from row to row, and the last one is short.
    "odd": torch.randn(7, 34, generator=generator) * 3,
    "tiny": torch.randn(2, 64, generator=generator) * 1e-6,
    "zeros": torch.zeros(2, 64),
    # All multiples of 1/127 of the largest value, which come close to every border.
    "grid": torch.arange(-127, 129).reshape(4, 64) / 127.0,
}

cases = {}
for name, matrix in CASES.items():
    values, state = quantize_4bit(matrix, blocksize=64, quant_type="nf4")
    cases[name] = dict(
        shape=list(matrix.shape),
        matrix=[float(f"{value:.9g}") for value in matrix.double().flatten()],
        values=values.flatten().tolist(),
        absmax=[float(value) for value in state.absmax],
    )
print(json.dumps(cases))
