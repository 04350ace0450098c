"""The example: it tells the story that its documentation says, and is written whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from visualdl import demo, graph
from visualdl.demo import create_scratch_log, network, shapes, training
from visualdl.kinds.kind import Points
from visualdl.store.store import Question, Store


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, written once."""
    directory = tmp_path_factory.mktemp("demo") / "scratch_log"
    assert demo.write(directory)
    return directory


@pytest.fixture(scope="module")
def store(example: Path) -> Store:
    """The example, read."""
    store = Store([example])
    store.refresh()
    return store


def points(store: Store, run: str, tag: str, kind: str = "scalar") -> Points:
    ids = {info.name: info.id for info in store.runs()}
    return store.raw(ids[run], kind, tag)


def by_step(store: Store, run: str, tag: str) -> Mapping[int, float]:
    found = points(store, run, tag)
    assert found.value is not None
    return dict(zip(found.step.tolist(), found.value.tolist(), strict=True))


def test_every_plan_is_two_runs_and_every_page_has_something(store: Store) -> None:
    assert {info.name for info in store.runs()} == {
        f"{plan.name}/{mode}" for plan in training.PLANS for mode in ("train", "test")
    }
    assert not any(info.live or info.dropped or info.gaps for info in store.runs())
    tags = store.tags()
    assert {tag.partition("/")[0] for tag in tags["scalar"]} == {"loss", "accuracy", "optimizer", "activations"}
    assert set(tags["image"]) == {"filters/encoder", "drawings/test", "mistakes/test"}
    assert len(tags["histogram"]) == 5


def test_the_network_really_learns(store: Store) -> None:
    accuracy = by_step(store, "lr=0.01/test", "accuracy/all")
    assert accuracy[0] < 0.4
    assert accuracy[max(accuracy)] > 0.95
    drawing = by_step(store, "lr=0.01/test", "loss/drawing")
    assert drawing[max(drawing)] < drawing[0] / 5


def test_bad_data_is_a_spike_and_a_nan(store: Store) -> None:
    plan = next(plan for plan in training.PLANS if plan.nan_at is not None)
    loss = by_step(store, f"{plan.name}/train", "loss/total")
    assert [step for step, value in loss.items() if math.isnan(value)] == [plan.nan_at]
    assert plan.spike_at is not None
    assert loss[plan.spike_at] > 5 * max(loss[plan.spike_at - 1], loss[plan.spike_at + 50])


def test_the_restarted_run_has_two_segments_that_overlap(store: Store) -> None:
    plan = next(plan for plan in training.PLANS if plan.killed_at is not None)
    run = next(info.id for info in store.runs() if info.name == f"{plan.name}/train")
    answer = store.read(Question(kind="scalar", tag="loss/total", run=run, n=10_000))
    assert [segment.ghost_from for segment in answer.segments] == [plan.resumed_from, None]
    assert answer.total == training.STEPS + (plan.killed_at or 0) - (plan.resumed_from or 0)


def test_gradients_leave_the_range_of_float16_and_the_scale_follows(store: Store) -> None:
    plan = next(plan for plan in training.PLANS if plan.half)
    length = by_step(store, f"{plan.name}/train", "optimizer/gradient_norm")
    scale = by_step(store, f"{plan.name}/train", "optimizer/loss_scale")
    overflowed = [step for step, value in length.items() if not math.isfinite(value)]
    assert overflowed
    assert all(scale[step + 1] == scale[step] / 2 for step in overflowed if step + 1 in scale)


def test_time_goes_on_a_second_a_step(store: Store) -> None:
    time = points(store, "lr=0.01/train", "loss/total").time
    np.testing.assert_allclose(np.diff(time), 1.0, atol=1e-3)


def test_pictures_and_histograms_follow_the_training(store: Store) -> None:
    filters = points(store, "lr=0.01/train", "filters/encoder", "image")
    weights = points(store, "lr=0.01/train", "weights/encoder", "histogram")
    assert len(filters) == len(weights) == training.STEPS // training.DETAILS_EVERY + 1


def test_the_model_is_the_one_that_was_trained(example: Path) -> None:
    model = graph.load(example / demo.MODEL_NAME).to_json()
    assert [node["op"] for node in model["nodes"]] == ["Flatten", "Gemm", "Tanh", "Gemm", "Softmax", "Gemm", "Sigmoid"]
    assert {tuple(node["scope"]) for node in model["nodes"]} == {(), ("encoder",), ("classifier",), ("decoder",)}
    assert model["inputs"][0]["shape"] == ["batch", 1, 16, 16]


def test_the_model_passes_the_checks_of_onnx(example: Path) -> None:
    import onnx

    onnx.checker.check_model(onnx.load(str(example / demo.MODEL_NAME)), full_check=True)


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert demo.write(tmp_path) is False
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interrupted_example_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "_train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo.write(tmp_path / "scratch_log")
    assert list(tmp_path.iterdir()) == []


def test_the_command_of_1x_writes_scratch_log_and_says_how_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert create_scratch_log() == 0
    assert (tmp_path / "scratch_log" / demo.MODEL_NAME).is_file()
    assert "visualdl --logdir ./scratch_log" in capsys.readouterr().out


def test_the_gradients_are_those_of_the_loss() -> None:
    drawn, shown = shapes.draw(network.BATCH, seed=3)
    pictures = drawn.reshape(network.BATCH, -1).astype(np.float32)
    weights = network.fresh(shapes.SIDE**2, len(shapes.NAMES), seed=5)
    slopes = network.gradients(weights, pictures, shown, network.forward(weights, pictures, shown))
    for name, weight in weights.items():
        direction = np.sign(slopes[name])
        nudge = np.float32(1e-3)
        above = network.forward({**weights, name: weight + nudge * direction}, pictures, shown).loss
        below = network.forward({**weights, name: weight - nudge * direction}, pictures, shown).loss
        wanted = float(np.sum(np.abs(slopes[name])))
        assert (above - below) / (2 * float(nudge)) == pytest.approx(wanted, rel=0.05), name
