"""Golden values of the tasks: measures by scikit-learn and SciPy, losses and their gradients by PyTorch as transformers calls it.

python test/interop/tasks.py writes test/interop/golden/tasks.json.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from sklearn import metrics
from torch import nn

warnings.filterwarnings("ignore")  # undefined ratios are 0, which is what is wanted

GOLDEN = Path(__file__).parent / "golden" / "tasks.json"


def plain(array):
    return np.asarray(array, dtype=float).tolist()


def gradient(loss, logits):
    loss.backward()
    return {"loss": loss.item(), "gradient": plain(logits.grad)}


def multi_label(random, texts, labels, share, ties):
    truth = (random.random((texts, labels)) < share).astype(int)
    truth[:, 0] = 0  # a label that no text has
    truth[0, 1:] = 1  # and none of the others is without one
    logits = np.float32(random.normal(size=(texts, labels)) * 2 + 1.5 * (truth - share))
    if ties:
        logits = np.round(logits)
    logits[0, :2] = [60, -60]  # where naive formulas overflow
    scores = 1 / (1 + np.exp(-np.float64(logits)))
    thresholds = np.linspace(0.2, 0.8, labels)
    given = (scores >= thresholds).astype(int)
    tensor = torch.tensor(logits, requires_grad=True)
    # transformers' ForSequenceClassificationLoss for multi_label_classification.
    loss = nn.BCEWithLogitsLoss()(tensor, torch.tensor(truth, dtype=torch.float32))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, given)
    return {
        "truth": truth.tolist(),
        "logits": plain(logits),
        "thresholds": plain(thresholds),
        **gradient(loss, tensor),
        "accuracy": metrics.accuracy_score(truth, given),
        "microF1": metrics.f1_score(truth, given, average="micro"),
        "macroF1": metrics.f1_score(truth, given, average="macro"),
        "meanAveragePrecision": metrics.average_precision_score(truth[:, 1:], scores[:, 1:], average="macro"),
        "precision": plain(precision),
        "recall": plain(recall),
        "f1": plain(f1),
        "support": support.tolist(),
        "hammingErrors": (truth != given).sum(axis=1).tolist(),
    }


def regression(random, texts, ties):
    truth = random.normal(size=texts) * 1.5 + 3
    values = truth * 0.7 + random.normal(size=texts)
    if ties:
        truth, values = np.round(truth), np.round(values)
    truth, values = np.float32(truth), np.float32(values)
    logits = torch.tensor(values[:, None], requires_grad=True)
    # transformers' ForSequenceClassificationLoss for regression with one label.
    loss = nn.MSELoss()(logits.squeeze(), torch.tensor(truth).squeeze())
    return {
        "truth": plain(truth),
        "values": plain(values),
        **gradient(loss, logits),
        "meanSquaredError": metrics.mean_squared_error(truth, values),
        "meanAbsoluteError": metrics.mean_absolute_error(truth, values),
        "r2": metrics.r2_score(truth, values),
        "pearson": stats.pearsonr(np.float64(truth), np.float64(values)).statistic,
        "spearman": stats.spearmanr(truth, values).statistic,
    }


def main():
    random = np.random.default_rng(1)
    golden = {
        "multiLabel": [
            multi_label(random, 40, 5, 0.3, False),
            multi_label(random, 40, 3, 0.6, True),
            multi_label(random, 1, 2, 0.5, False),
        ],
        "regression": [regression(random, 40, False), regression(random, 40, True)],
    }
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
