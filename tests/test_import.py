"""What `import visualdl` costs a training script: next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import visualdl

HEAVY = (
    "numpy",
    "PIL",
    "starlette",
    "uvicorn",
    "orjson",
    "torch",
    "matplotlib",
    "asyncio",
    "visualdl.store",
    "visualdl.server",
)


def loaded(script: str) -> list[str]:
    """Which of the heavy modules a fresh interpreter has after running the script."""
    script += f"\nimport sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    names: list[str] = [name for name in HEAVY if f"'{name}'" in done.stdout.splitlines()[-1]]
    return names


def test_importing_the_package_or_the_writer_loads_nothing_heavy() -> None:
    assert loaded("import visualdl") == []
    assert loaded("from visualdl import LogWriter") == []


def test_logging_numbers_of_python_in_both_dialects_loads_nothing_heavy(tmp_path: Path) -> None:
    script = f"""
from visualdl import LogWriter
logger = LogWriter({str(tmp_path)!r}, sync_cycle=100)
with logger.mode("train"):
    loss = logger.scalar("loss")
    image = logger.image("image", 1)
    histogram = logger.histogram("histogram", num_buckets=100)
for step in range(100):
    loss.add_record(step, 0.5)
    loss.add_record(step, 1)
    logger.add_scalar("acc", step, step)
    logger.add_scalars("both", {{"a": 1.0, "b": 2}}, step)
logger.close()
"""
    assert loaded(script) == []


def test_logging_an_array_loads_numpy_and_nothing_of_the_board(tmp_path: Path) -> None:
    script = f"""
from visualdl import LogWriter
with LogWriter({str(tmp_path)!r}) as writer:
    writer.add_histogram("histogram", [1.0, 2.0], 0)
"""
    assert loaded(script) == ["numpy"]


def test_importing_the_package_changes_nothing_on_disk_and_prints_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", "import visualdl; from visualdl import LogWriter, LogReader; LogWriter('logs')"],
        check=True, capture_output=True, text=True, cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(Path(visualdl.__file__).parents[1])},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_the_package_is_told_as_text_as_in_1x_and_2x() -> None:
    from visualdl import ROOT

    assert isinstance(ROOT, str)
    assert Path(ROOT) == Path(visualdl.__file__).resolve().parent
    assert loaded("from visualdl import ROOT") == []


def test_the_names_of_the_package_are_found_and_others_are_told_apart() -> None:
    assert set(visualdl.__all__) == {"LogReader", "LogWriter", "ROOT", "__version__"}
    assert {"LogReader", "LogWriter"} <= set(dir(visualdl))
    assert visualdl.LogWriter.__name__ == "LogWriter"
    with pytest.raises(AttributeError, match="it offers ROOT, LogReader, LogWriter"):
        visualdl.SummaryWriter  # noqa: B018  # looking it up is the test
