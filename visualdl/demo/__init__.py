"""The example that newcomers see first: a small network learns six shapes, four times over, in about two seconds.

Nothing in it is made up but the clock (a step is said to take a second): the network is trained on the spot, in numpy.
Each run has something to find on the board: a spike and a NaN from bad data, a restart from a checkpoint, gradients
that leave the range of float16.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from visualdl.demo import onnx_file, shapes, training

__all__ = ["MODEL_NAME", "create_scratch_log", "training_on", "write"]

MODEL_NAME = "shapes.onnx"


def write(directory: Path) -> bool:
    """Write the example to `directory`, all or nothing. False when something is there already, which is left alone.

    OSError when it cannot be written.
    """
    if directory.is_dir() and any(directory.iterdir()):
        return False
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place and moved there at the end: what Ctrl-C interrupts is not mistaken for the example.
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}-") as scratch:
        made = Path(scratch) / "example"
        weights = training.log_all(made)
        (made / MODEL_NAME).write_bytes(onnx_file.model(weights, len(shapes.NAMES), shapes.SIDE**2))
        if directory.is_dir():
            directory.rmdir()
        os.replace(made, directory)
    return True


@contextlib.contextmanager
def training_on(directory: Path) -> Iterator[None]:
    """During the block, one more run of the example in `directory` is trained, slowly, for the board to follow."""
    stopped = threading.Event()
    thread = threading.Thread(target=training.train_live, args=(directory, stopped), name="visualdl-demo", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(1.0)


def create_scratch_log() -> int:
    """The command `vdl_create_scratch_log` of VisualDL 1.x: write ./scratch_log and say how to look at it."""
    directory = Path("scratch_log")
    try:
        wrote = write(directory)
    except OSError as trouble:
        sys.stderr.write(f"vdl_create_scratch_log: {directory} cannot be written: {trouble.strerror or trouble}\n")
        return 1
    done = "Wrote" if wrote else "There is already"
    sys.stdout.write(f"{done} ./{directory}; look at it with: visualdl --logdir ./{directory}\n")
    return 0
