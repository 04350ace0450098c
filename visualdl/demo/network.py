"""The example's network in plain numpy: an encoder with two heads, one names the shape, one draws it again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Weights: TypeAlias = dict[str, FloatArray]

HIDDEN = 32
# No product of more than 2**18 multiplications, so that OpenBLAS stays on one thread: with more, on a machine that has
# other work, its threads wait for each other and take ten times as long (measured: 31 s against 2 s).
BATCH = 32
DECAY = 0.3
DRAWING_SHARE = 8.0  # how much the drawing counts beside the naming


def fresh(inputs: int, classes: int, seed: int) -> Weights:
    """Weights before the first step."""
    random = np.random.default_rng(seed)

    def layer(rows: int, columns: int) -> FloatArray:
        weight: FloatArray = (random.standard_normal((rows, columns)) * (0.3 / rows**0.5)).astype(np.float32)
        return weight

    return {
        "encoder.weight": layer(inputs, HIDDEN),
        "encoder.bias": np.zeros(HIDDEN, np.float32),
        "classifier.weight": layer(HIDDEN, classes),
        "classifier.bias": np.zeros(classes, np.float32),
        "decoder.weight": layer(HIDDEN, inputs),
        "decoder.bias": np.full(inputs, -1.5, np.float32),
    }


@dataclass(frozen=True)
class Result:
    """What one batch gave: hidden (n, 32), chances of each class (n, classes), drawings (n, inputs), and the losses."""

    hidden: FloatArray
    chances: FloatArray
    drawings: FloatArray
    naming_loss: float
    drawing_loss: float
    accuracy: float

    @property
    def loss(self) -> float:
        """What training makes small."""
        return self.naming_loss + DRAWING_SHARE * self.drawing_loss


def forward(weights: Weights, pictures: FloatArray, shown: IntArray) -> Result:
    """One batch through the network. pictures: (n, inputs), n a multiple of BATCH; shown: (n,)."""
    hidden = np.tanh(_product(pictures, weights["encoder.weight"]) + weights["encoder.bias"])
    scores = _product(hidden, weights["classifier.weight"]) + weights["classifier.bias"]
    scores = scores - scores.max(axis=1, keepdims=True)
    logarithms = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    drawings = 1.0 / (1.0 + np.exp(-(_product(hidden, weights["decoder.weight"]) + weights["decoder.bias"])))
    naming = -float(np.mean(logarithms[np.arange(len(shown)), shown]))
    drawing = float(np.mean((drawings - pictures) ** 2))
    accuracy = float(np.mean(logarithms.argmax(axis=1) == shown))
    return Result(hidden, np.exp(logarithms), drawings, naming, drawing, accuracy)


def _product(rows: FloatArray, weight: FloatArray) -> FloatArray:
    return (rows.reshape(-1, BATCH, rows.shape[1]) @ weight).reshape(len(rows), -1)


def gradients(weights: Weights, pictures: FloatArray, shown: IntArray, result: Result) -> Weights:
    """The gradient of `Result.loss` for each weight."""
    count = len(shown)
    scores = result.chances.copy()
    scores[np.arange(count), shown] -= 1.0
    scores /= count
    drawn = 2.0 * DRAWING_SHARE * (result.drawings - pictures) * result.drawings * (1.0 - result.drawings)
    drawn /= pictures.size
    hidden = scores @ weights["classifier.weight"].T + drawn @ weights["decoder.weight"].T
    hidden *= 1.0 - result.hidden**2
    return {
        "encoder.weight": pictures.T @ hidden,
        "encoder.bias": hidden.sum(axis=0),
        "classifier.weight": result.hidden.T @ scores,
        "classifier.bias": scores.sum(axis=0),
        "decoder.weight": result.hidden.T @ drawn,
        "decoder.bias": drawn.sum(axis=0),
    }


def norm(values: Mapping[str, FloatArray]) -> float:
    """The Euclidean norm over all of them."""
    return float(np.sqrt(sum(float(np.vdot(value, value)) for value in values.values())))


@dataclass
class Adam:
    """Adam with weight decay. `copy` is a checkpoint."""

    step: int = 0
    first: Weights = field(default_factory=dict)
    second: Weights = field(default_factory=dict)

    def update(self, weights: Weights, slopes: Weights, rate: float) -> None:
        """Put new weights in place of the old ones, which are not changed."""
        self.step += 1
        # What the two averages still lack, early on, is made up for in one factor (Adam's paper, end of section 2).
        pace = rate * math.sqrt(1 - 0.99**self.step) / (1 - 0.9**self.step)
        keep = 1 - rate * DECAY
        for name, slope in slopes.items():
            first = self.first.get(name, 0.0) * 0.9 + slope * 0.1
            second = self.second.get(name, 0.0) * 0.99 + slope * (slope * 0.01)
            self.first[name] = first.astype(np.float32, copy=False)
            self.second[name] = second.astype(np.float32, copy=False)
            changed = weights[name] * keep - first * pace / (np.sqrt(second) + 1e-8)
            weights[name] = changed.astype(np.float32, copy=False)

    def copy(self) -> Adam:
        """As it is now; `update` puts new arrays in place of the old ones, so these are not changed any more."""
        return Adam(self.step, dict(self.first), dict(self.second))
