"""`make demo`: serves the board, trains the tutorial, and goes on serving until Ctrl-C (or ends, with --exit)."""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import IO

import pytorch_cifar10


def main() -> int:
    """Returns the exit status: 0 when the training ended well, 1 when the board could not be served."""
    options = argparse.ArgumentParser(prog="make demo ARGS=...", description=__doc__)
    options.add_argument("--exit", action="store_true", help="end when the training has ended")
    options.add_argument("--port", type=int, help="the board's port (else the first free one)")
    options.add_argument("--open", action="store_true", help="open the board in the browser")
    options.add_argument("--epochs", type=int, default=pytorch_cifar10.Settings.epochs)
    options.add_argument("--steps", type=int, help="end the training after this many steps")
    options.add_argument("--folder", type=Path, default=Path(".demo"), help="where logs and model go (%(default)s)")
    chosen = options.parse_args()

    # Each demonstration logs into a folder of its own: `visualdl --logdir .demo` shows them all side by side.
    folder = chosen.folder / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True)
    settings = pytorch_cifar10.Settings(
        logdir=folder, model=folder / "pytorch_cifar10.onnx", epochs=chosen.epochs, steps=chosen.steps
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the server ends with us
    command = board(settings, chosen)
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
    try:
        url = url_of(server)
        if url is None:
            return 1
        print(f"\nWatch it live: {url} (Ctrl-C ends it)\n", flush=True)
        accuracy = pytorch_cifar10.train(settings)
        print(f"\nTraining has ended. Test accuracy: {accuracy:.1%} (guessing would give 10.0%).", flush=True)
        if not chosen.exit:
            print(f"The board goes on at {url}; Ctrl-C ends it.", flush=True)
            server.wait()
    except KeyboardInterrupt:
        print(f"\nEnded by Ctrl-C. To see the log again: visualdl --logdir {folder} --model {settings.model}")
    finally:
        server.terminate()
        with contextlib.suppress(KeyboardInterrupt):
            server.wait(timeout=10)
    if chosen.exit:
        print("Exit status 0.")
    return 0


def board(settings: pytorch_cifar10.Settings, chosen: argparse.Namespace) -> list[str]:
    """The command that serves the board, from the same environment as this script."""
    command = [sys.executable, "-m", "visualdl", "--logdir", str(settings.logdir), "--model", str(settings.model)]
    command += ["--port", str(chosen.port)] if chosen.port is not None else []
    return [*command, "--open"] if chosen.open else command


def url_of(server: subprocess.Popen[str]) -> str | None:
    """The address that the server prints once it listens; None, with why on standard error, when it ended before."""
    assert server.stdout is not None
    # That the folder is empty and that there is no model yet need not be said here: both come with the training.
    before: list[str] = []
    for line in server.stdout:
        if found := re.search(r"https?://\S+", line):
            # The pipe must not fill up, or the server would wait for us to read.
            threading.Thread(target=pass_on, args=(server.stdout,), daemon=True).start()
            return found.group()
        before.append(line)
    print(*before, sep="", end="", file=sys.stderr)
    print(f"The board could not be served: `visualdl` ended with status {server.wait()}.", file=sys.stderr)
    return None


def pass_on(output: IO[str]) -> None:
    """Print what else the server says, which can only be trouble, until it ends."""
    for line in output:
        print(line, end="", file=sys.stderr, flush=True)


if __name__ == "__main__":  # the data loader's processes may import this file again
    sys.exit(main())
