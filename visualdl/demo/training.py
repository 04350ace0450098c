"""Trains the example's network in four ways and logs what happens."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visualdl.demo import pictures, shapes
from visualdl.demo.network import BATCH, Adam, FloatArray, IntArray, Result, Weights, forward, fresh, gradients, norm
from visualdl.writer import LogWriter

STEPS = 600
TEST_EVERY = 20
DETAILS_EVERY = 25
PAUSE_SECONDS = 240.0


@dataclass(frozen=True)
class Plan:
    """One run, and what befalls it. Steps are counted from 0.

    seed: chooses its batches.
    spike_at, nan_at: a batch with pictures too bright, a batch with an unreadable picture (NaN).
    killed_at, resumed_from: it ends there, and is started again from the checkpoint of an earlier step.
    half: gradients are kept in float16 under a loss scale that grows until they overflow.
    steps: how long it trains; the learning rate falls until then.
    """

    name: str
    seed: int
    rate: float
    spike_at: int | None = None
    nan_at: int | None = None
    killed_at: int | None = None
    resumed_from: int | None = None
    half: bool = False
    steps: int = STEPS


PLANS = (
    Plan("lr=0.01", 1, 0.01),
    Plan("lr=0.003, bad data", 2, 0.003, spike_at=330, nan_at=215),
    Plan("lr=0.001, restarted", 3, 0.001, killed_at=380, resumed_from=300),
    Plan("lr=0.003, float16", 4, 0.003, half=True),
)
LIVE = Plan("lr=0.002, live", 5, 0.002, steps=3000)
LIVE_SECONDS = 0.1


@dataclass(frozen=True)
class Data:
    """Pictures (n, 256) in [0, 1] and the shapes that they show (n,)."""

    pictures: FloatArray
    shown: IntArray


@dataclass
class State:
    """All that a checkpoint holds."""

    step: int
    weights: Weights
    optimizer: Adam
    scale: float = 2.0**10

    def copy(self) -> State:
        """As it is now, whatever comes."""
        return State(self.step, dict(self.weights), self.optimizer.copy(), self.scale)


def log_all(directory: Path) -> Weights:
    """Train and log every plan below `directory`; the weights of the first one at its end."""
    training, test = _data(1200, seed=1), _data(9 * BATCH, seed=2)
    now = time.time()
    ends = [
        _log_run(directory / plan.name, plan, training, test, now - 60.0 * (15 + 3 * i)) for i, plan in enumerate(PLANS)
    ]
    return ends[0].weights


def train_live(directory: Path, stopped: threading.Event) -> None:
    """Train one more run below `directory`, ten steps a second, to its end or until `stopped`; its clock is real."""
    training, test = _data(1200, seed=1), _data(9 * BATCH, seed=2)
    state = State(0, fresh(shapes.SIDE**2, len(shapes.NAMES), seed=0), Adam())
    with LogWriter(directory / LIVE.name) as writer:
        train_log, test_log = writer.as_mode("train"), writer.as_mode("test")
        for batch in _batches(training, LIVE, 0, LIVE.steps):
            if stopped.wait(LIVE_SECONDS):
                return
            _log_step(train_log, test_log, LIVE, state, batch, test, None)
            state.step += 1


def _data(count: int, seed: int) -> Data:
    drawn, shown = shapes.draw(count, seed)
    return Data(drawn.reshape(count, -1).astype(np.float32), shown)


def _log_run(folder: Path, plan: Plan, training: Data, test: Data, began: float) -> State:
    state = State(0, fresh(shapes.SIDE**2, len(shapes.NAMES), seed=0), Adam())
    first_stop = STEPS if plan.killed_at is None else plan.killed_at
    checkpoint = _log_steps(folder, plan, state, first_stop, training, test, began)
    if plan.killed_at is not None and checkpoint is not None:
        state = checkpoint
        _log_steps(folder, plan, state, STEPS, training, test, began + plan.killed_at - state.step + PAUSE_SECONDS)
    return state


def _log_steps(
    folder: Path, plan: Plan, state: State, stop: int, training: Data, test: Data, began: float
) -> State | None:
    """Train to `stop` with a writer of its own; the checkpoint of the plan's `resumed_from`, if it came by."""
    checkpoint = None
    with ExitStack() as stack:
        writer = stack.enter_context(LogWriter(folder))
        train_log, test_log = writer.as_mode("train"), writer.as_mode("test")
        for batch in _batches(training, plan, state.step, stop):
            if state.step == plan.resumed_from:
                checkpoint = state.copy()
            _log_step(train_log, test_log, plan, state, batch, test, began + state.step)
            state.step += 1
    return checkpoint


def _log_step(
    train_log: LogWriter, test_log: LogWriter, plan: Plan, state: State, batch: Data, test: Data, walltime: float | None
) -> None:
    """One step of training; before it a test and a look at the weights when it is their turn. walltime None: now."""
    last = state.step == plan.steps - 1
    details = last or state.step % DETAILS_EVERY == 0
    if details:
        _log_weights(train_log, state, walltime)
    if last or state.step % TEST_EVERY == 0:
        _log_test(test_log, state, test, walltime, details or state.step % (2 * TEST_EVERY) == 0)
    _train(train_log, plan, state, batch, walltime, details)


def _batches(training: Data, plan: Plan, start: int, stop: int) -> Iterator[Data]:
    for step in range(start, stop):
        chosen = np.random.default_rng((plan.seed, step)).integers(0, len(training.shown), BATCH)
        batch = training.pictures[chosen]
        if step == plan.spike_at:
            batch = batch * np.float32(3) - np.float32(1)
        if step == plan.nan_at:
            batch[0] = np.nan
        yield Data(batch, training.shown[chosen])


def _train(log: LogWriter, plan: Plan, state: State, batch: Data, walltime: float | None, details: bool) -> None:
    """One step: forward, backward, update, log."""
    result = forward(state.weights, batch.pictures, batch.shown)
    slopes = gradients(state.weights, batch.pictures, batch.shown, result)
    if plan.half:
        slopes = _through_half(slopes, state.scale)
    length = norm(slopes)
    rate = plan.rate * min(1.0, (state.step + 1) / 50) * (0.52 + 0.48 * math.cos(math.pi * state.step / plan.steps))
    if math.isfinite(length):
        state.optimizer.update(state.weights, slopes, rate)
    scalars = {**_losses(result), "optimizer/learning_rate": rate, "optimizer/gradient_norm": length}
    if plan.half:
        scalars["optimizer/loss_scale"] = state.scale
        # Twice as much after a while, half as much after an overflow: what mixed-precision training does.
        state.scale *= 0.5 if not math.isfinite(length) else 2.0 if state.step % 40 == 39 else 1.0
    scalars["activations/saturated"] = float(np.mean(np.abs(result.hidden) > 0.97))
    for tag, value in scalars.items():
        log.add_scalar(tag, value, state.step, walltime)
    if details and math.isfinite(length):
        log.add_histogram("gradients/encoder", slopes["encoder.weight"], state.step, walltime, buckets=60)
        log.add_histogram("activations/hidden", result.hidden, state.step, walltime, buckets=60)


def _through_half(slopes: Weights, scale: float) -> Weights:
    with np.errstate(over="ignore"):
        return {
            name: (slope * np.float32(scale)).astype(np.float16).astype(np.float32) / np.float32(scale)
            for name, slope in slopes.items()
        }


def _losses(result: Result) -> dict[str, float]:
    return {
        "loss/total": result.loss,
        "loss/naming": result.naming_loss,
        "loss/drawing": result.drawing_loss,
        "accuracy/all": result.accuracy,
    }


def _log_weights(log: LogWriter, state: State, walltime: float | None) -> None:
    for name in ("encoder", "classifier", "decoder"):
        log.add_histogram(f"weights/{name}", state.weights[f"{name}.weight"], state.step, walltime, buckets=60)
    filters = pictures.filters(state.weights["encoder.weight"], shapes.SIDE, columns=8)
    log.add_image("filters/encoder", filters, state.step, walltime)


def _log_test(log: LogWriter, state: State, test: Data, walltime: float | None, details: bool) -> None:
    result = forward(state.weights, test.pictures, test.shown)
    named = result.chances.argmax(axis=1)
    scalars = _losses(result)
    for index, name in enumerate(shapes.NAMES):
        scalars[f"accuracy/{name}"] = float(np.mean(named[test.shown == index] == index))
    for tag, value in scalars.items():
        log.add_scalar(tag, value, state.step, walltime)
    if details:
        side = (-1, shapes.SIDE, shapes.SIDE)
        drawn = pictures.drawings(test.pictures[:18].reshape(side), result.drawings[:18].reshape(side), columns=6)
        log.add_image("drawings/test", drawn, state.step, walltime)
        log.add_image("mistakes/test", pictures.mistakes(test.shown, named, len(shapes.NAMES)), state.step, walltime)
