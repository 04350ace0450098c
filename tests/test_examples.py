"""The tutorial: its images are real and never shared between training and test, it trains, logs and ends quietly."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from visualdl import LogReader

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FEW = ["--data", "photographs", "--steps", "3"]


@pytest.fixture(autouse=True)
def examples_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}  # this tree, installed or not


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, *command], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_crops_are_the_same_on_every_machine_and_equally_many_of_each_class() -> None:
    import photographs

    once, again = (photographs.crops(train=True, count=200) for _ in range(2))
    assert np.array_equal(once.images, again.images)
    assert once.images.shape == (200, 3, 32, 32)
    assert once.images.dtype == np.uint8
    assert np.bincount(once.labels).tolist() == [20] * 10


def test_every_crop_stands_in_the_photograph_that_its_label_names() -> None:
    import photographs

    crops = photographs.crops(train=False, count=10)
    for image, label in zip(crops.images, crops.labels, strict=True):
        whole = photographs.pixels(photographs.PHOTOGRAPHS[label])
        windows = np.lib.stride_tricks.sliding_window_view(whole, (32, 32), axis=(0, 1))
        corner = windows[..., 0, 0] == image[:, 0, 0]  # only where the first pixel fits is the rest compared
        assert any(np.array_equal(windows[at], image) for at in zip(*np.nonzero(corner.all(-1)), strict=True))


def test_no_pixel_is_both_trained_on_and_tested() -> None:
    import photographs

    # A photograph whose every pixel is different shows, by what was cut from it, where the crops were.
    rows, columns = np.mgrid[:240, :240].astype(np.uint8)
    numbered = np.stack([rows, columns, np.zeros_like(rows)], axis=-1)

    def touched(*, train: bool) -> set[tuple[int, int]]:
        cut = photographs._cut(numbered, train=train, count=2000, random=np.random.default_rng(0))
        return {(row, column) for row, column in cut[..., :2].reshape(-1, 2).tolist()}

    trained, tested = touched(train=True), touched(train=False)
    assert not trained & tested
    assert len(trained | tested) > 0.95 * 240 * 240


def test_a_count_that_cannot_be_shared_out_is_refused() -> None:
    import photographs

    with pytest.raises(ValueError, match="positive multiple of 10, got 11"):
        photographs.crops(train=True, count=11)


def test_the_notebook_is_the_script() -> None:
    import notebook

    script = notebook.SCRIPT.read_text(encoding="utf-8")
    assert notebook.NOTEBOOK.read_text(encoding="utf-8") == notebook.written(notebook.notebook_of(script)), (
        "run `python examples/notebook.py` after a change of pytorch_cifar10.py"
    )


def test_the_tutorial_trains_and_its_log_can_be_read(tmp_path: Path) -> None:
    done = run(str(EXAMPLES / "pytorch_cifar10.py"), *FEW, cwd=tmp_path)
    assert done.stderr == ""
    assert re.search(r"Test accuracy: \d+\.\d%", done.stdout)
    assert (tmp_path / "pytorch_cifar10.onnx").is_file()

    reader = LogReader(str(tmp_path / "workspace"))
    with reader.mode("train") as train:
        assert train.scalar("scalars/scalar_pytorch_train_loss").ids() == [0, 1, 2]
        assert train.image("images/image1").num_records() == 3
        assert train.image("images/image1").record(0, 0).shape() == [96, 25, 1]
        assert train.image("images/batch").num_records() == 1
        histogram = train.histogram("histogram/histogram0").record(0)
        assert sum(histogram.instance(i).frequency() for i in range(histogram.num_instances())) == 450
    with reader.mode("test") as test:
        assert test.scalar("scalars/accuracy").ids() == [0, 2]


def test_the_notebook_runs_from_its_first_cell_to_its_last(tmp_path: Path) -> None:
    notebook = json.loads((EXAMPLES / "pytorch_cifar10.ipynb").read_text(encoding="utf-8"))
    (call,) = [cell for cell in notebook["cells"] if cell["source"] == ["train(Settings())"]]
    call["source"] = ['train(Settings(data="photographs", steps=2, train_images=1000, test_images=100))']
    (tmp_path / "few.ipynb").write_text(json.dumps(notebook))
    (tmp_path / "photographs.py").write_text((EXAMPLES / "photographs.py").read_text())
    run("-c", "from nbclient.cli import main; main()", "few.ipynb", cwd=tmp_path)
    assert (tmp_path / "workspace" / "train").is_dir()


def test_ctrl_c_ends_the_demonstration_and_its_server(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "demo.py"), "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        found = (re.search(r"Watch it live: (\S+)", line) for line in demo.stdout)
        url = next(match.group(1) for match in found if match)
        os.killpg(demo.pid, signal.SIGINT)
        said = demo.stdout.read()
        assert demo.wait() == 0
    assert "To see the log again: visualdl --logdir .demo/" in said
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_the_demonstration_serves_before_it_trains_and_tells_how_it_ended(tmp_path: Path) -> None:
    done = run(str(EXAMPLES / "demo.py"), "--exit", "--steps", "2", cwd=tmp_path)
    served, trained = done.stdout.index("Watch it live: http://127.0.0.1:"), done.stdout.index("epoch  1:")
    assert served < trained
    assert done.stdout.endswith("Exit status 0.\n")
    assert done.stdout.startswith("\nWatch it live: http://127.0.0.1:"), "nothing is said before the address"
    assert done.stdout.count("http://") == 1
    assert done.stderr == ""


def test_a_demonstration_that_cannot_be_served_says_why_and_trains_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, str(EXAMPLES / "demo.py"), "--exit", "--port", port]
        done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"visualdl: Port {port} is in use: give another --port" in done.stderr
    assert done.stderr.endswith("The board could not be served: `visualdl` ended with status 2.\n")
