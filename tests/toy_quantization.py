"""A student of drawn weights, its graphs, and rows on which its risks differ: what is quantized in tests."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch

from barocast.export.graphs.running import run_rows
from barocast.export.graphs.student import split_student
from barocast.export.graphs.to_onnx import to_onnx
from barocast.export.model import Model, ModelSettings, Scaling
from barocast.export.rows import Rows
from barocast.export.text_encoder import TextEncoder
from barocast.runtime.tokens import TEXT_TOKENS, TREND_FEATURES

SETTINGS = ModelSettings(width=16, heads=2, layers=1, members=2, dropout=0.0)
CASES, WORDS = 6, 30


def toy(rows=400):
    """Give split, graphs, rows and texts; the rows' labels are what the network itself finds likely."""
    split = split_student(toy_model())
    graphs, texts = to_onnx(split), toy_texts()
    plain = toy_rows(rows)
    logits, _, _ = run_rows(graphs, plain, texts)
    labels = (logits > np.quantile(logits, 0.8, axis=0)).astype(np.float32)
    return SimpleNamespace(split=split, graphs=graphs, rows=labelled(plain, labels), texts=texts)


def toy_model(seed=0):
    """Give a network whose every weight is drawn, as if it had been trained."""
    torch.manual_seed(seed)
    rest = torch.tensor([-6.0, 0.0, 6.0])[:, None].repeat(1, 30)
    scaling = Scaling(torch.full((7, 6), 70.0), torch.full((7, 6), 20.0), rest, (-2.7, -2.0, -1.7))
    model = Model(SETTINGS, scaling, TextEncoder(vocabulary=WORDS, width=8))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    return model.eval()


def toy_texts(seed=0):
    """Give whole texts (case, token)."""
    return np.random.default_rng(seed).integers(1, WORDS, (CASES, TEXT_TOKENS))


def toy_rows(count, seed=0, low=0.2):
    """Give random walks of pressure; `low` is the share whose last minute touches 65 mmHg."""
    random = np.random.default_rng(seed)
    mask = (random.random((count, 1, SETTINGS.steps)) > 0.02).astype(np.float32)
    series = 80 + np.cumsum(random.normal(0, 1.5, mask.shape), axis=-1)
    trend = random.normal(80, 12, (count, 7, 6)).astype(np.float32)
    trend[:, 0, TREND_FEATURES.index("min")] = np.where(np.arange(count) < low * count, 60, 80)
    trend[:, 0, TREND_FEATURES.index("valid_share")] = 1
    return Rows(
        (series * mask).astype(np.float32),
        mask,
        trend,
        np.zeros((count, 3), np.float32),
        np.full((count, 30), 80, np.float32),
        random.integers(0, CASES, count).astype(np.int32),
        np.arange(count, dtype=np.int32),
    )


def labelled(rows, labels):
    """Give the rows with other labels."""
    return Rows(rows.series, rows.mask, rows.trend, labels, rows.future, rows.case, rows.at)
