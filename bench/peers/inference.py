"""How fast onnxruntime's Python package runs Optimum's own export of a merged MiniLM: texts a second, a peer for bench:serve.

    python bench/peers/inference.py --export models/hf/minilm FOLDER     LoRA merged by PEFT, then exported by Optimum
    python bench/peers/inference.py FOLDER [--case 1x24 8x32 ...] [--threads 1 2] [--seconds 3]

Any folder with onnx/model.onnx or model.onnx runs, Graft's own bundles too. Prints a line of JSON for each case and number of
threads; the rate is of the median run.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import onnxruntime


def export(base, folder):
    import torch
    from optimum.onnxruntime import ORTModelForSequenceClassification
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=4)
    model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules="all-linear"))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.normal_(0.0, 0.02)
    with tempfile.TemporaryDirectory() as work:
        model.merge_and_unload().save_pretrained(work)
        AutoTokenizer.from_pretrained(base).save_pretrained(work)
        ORTModelForSequenceClassification.from_pretrained(work, export=True).save_pretrained(folder)


def session(folder, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    file = next(path for path in (folder / "onnx" / "model.onnx", folder / "model.onnx") if path.exists())
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def run_times(model, batch, length, seconds):
    ids = np.random.default_rng(1).integers(1000, 20_000, (batch, length))
    known = dict(input_ids=ids, attention_mask=np.ones_like(ids), token_type_ids=np.zeros_like(ids))
    feeds = {each.name: known[each.name] for each in model.get_inputs()}
    for _ in range(5):
        model.run(None, feeds)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        model.run(None, feeds)
        yield time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--export", metavar="BASE", help="make the folder of this model first")
    parser.add_argument("--case", nargs="*", default=["1x24", "8x32", "32x32", "8x128"])
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.export:
        export(options.export, options.folder)
    for threads in options.threads:
        model = session(options.folder, threads)
        for case in options.case:
            batch, length = map(int, case.split("x"))
            times = list(run_times(model, batch, length, options.seconds))
            median = statistics.median(times)
            found = dict(
                batch=batch,
                length=length,
                threads=threads,
                runs=len(times),
                milliseconds=round(median * 1e3, 2),
                fastest=round(min(times) * 1e3, 2),
                texts_per_second=round(batch / median),
                onnxruntime=onnxruntime.__version__,
            )
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
