"""`make bench`, `python -m benches [NAME ...]`: runs the benches one after the other, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BENCHES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py")))


def main(names: list[str]) -> int:
    """Run the named benches, or all; the exit status of the last that failed, or 0."""
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"no bench is called {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    # Benches start processes of their own, which must find the package of this tree, installed or not.
    root = Path(__file__).resolve().parent.parent
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }
    status = 0
    for name in names or BENCHES:
        print(f"\n== {name}", flush=True)
        status = subprocess.run([sys.executable, "-m", f"benches.{name}"], env=env, check=False).returncode or status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
