"""A program that feeds readers what a coverage-guided fuzzer makes up: python -m torture.children.guided FOLDER TARGET
SECONDS SEED. The fuzzer fixes no checksums, so it is given the frames' parts and the checksums are put in here.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["visualdl"], enable_loader_override=False):
    from torture.children.alive import model_seeds
    from torture.children.examine import read
    from torture.children.mutate import frame_of, subjects
    from torture.children.specimens import NAME
    from visualdl.errors import UnreadableModel
    from visualdl.graph import load
    from visualdl.log.reader import FileSet

_broke: list[str] = []
_attempts = 0


def log_target(folder: Path) -> Callable[[bytes], None]:
    """Reads a log of frames that are made from the fuzzer's bytes: type, codec, flags, n, index and body of each."""
    path = folder / f"{NAME}.vdl"

    def attempt(data: bytes) -> None:
        made = atheris.FuzzedDataProvider(data)
        frames: list[bytes] = []
        while made.remaining_bytes() > 4 and len(frames) < 8:
            header = (
                made.ConsumeIntInRange(1, 7),
                made.ConsumeIntInRange(0, 3),
                made.ConsumeIntInRange(0, 15),
                made.ConsumeIntInRange(0, 400),
                len(frames),
            )
            index = made.ConsumeBytes(made.ConsumeIntInRange(0, 200))
            frames.append(frame_of(header, index, made.ConsumeBytes(made.ConsumeIntInRange(0, 300))))
        path.write_bytes(b"".join(frames))
        log = FileSet(path)
        log.refresh()
        _broke.extend(read(log, None).breaches)

    return attempt


def model_target(folder: Path) -> Callable[[bytes], None]:
    """Reads a model file that is the fuzzer's bytes."""
    path = folder / "model.onnx"

    def attempt(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(UnreadableModel):
            json.dumps(load(path).to_json(), allow_nan=False)

    return attempt


def corpus(folder: Path, target: str) -> Path:
    """What the fuzzer begins with."""
    folder = folder / "corpus"
    folder.mkdir()
    seeds = model_seeds() if target == "model" else [log.vdl for log in subjects()]
    for number, seed in enumerate(seeds):
        (folder / str(number)).write_bytes(seed)
    return folder


def main() -> None:
    """Fuzz until the time is over, then tell."""
    folder, target, seconds, seed = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", ResourceWarning)
    once = (log_target if target == "log" else model_target)(folder)
    until = time.monotonic() + seconds

    def attempt(data: bytes) -> None:
        global _attempts
        if time.monotonic() > until or len(_broke) > 5:
            _finish(target)
        _attempts += 1
        try:
            once(data)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            _broke.append(f"{type(error).__name__} from {Path(where.filename).name}:{where.lineno}: {data[:300].hex()}")

    options = ["-max_len=4096", f"-seed={seed % (1 << 31)}", "-rss_limit_mb=2048", "-timeout=30", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus(folder, target))], attempt)
    atheris.Fuzz()


def _finish(target: str) -> None:
    sys.stdout.write(json.dumps({"target": target, "attempts": _attempts, "broke": sorted(set(_broke))[:5]}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # the fuzzer itself never returns


if __name__ == "__main__":
    main()
