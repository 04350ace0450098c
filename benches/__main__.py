"""`make bench`, `python -m benches [NAME ...] [--save]`: runs the benches one after the other.

Each runs in a process of its own and prints Markdown on its standard output (what it is doing goes to standard error).
With `--save` what it printed replaces what stands in docs/benchmarks.md, and in its Chinese twin, between
`<!-- bench: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHES = tuple(sorted(path.stem for path in HERE.glob("[!_]*.py")))
PAGES = (HERE.parent / "docs" / "benchmarks.md", HERE.parent / "docs" / "zh" / "benchmarks.md")


def main() -> int:
    """Run the named benches, or all; the exit status of the last that failed, or 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all without")
    parser.add_argument("--save", action="store_true", help="put the tables into docs/benchmarks.md")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in BENCHES]:
        parser.error(f"no bench is called {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    status = 0
    for name in asked.names or BENCHES:
        print(f"\n== {name}", file=sys.stderr, flush=True)
        printed, failed = run(name)
        status = failed or status
        if asked.save and not failed:
            save(name, printed)
    return status


def run(name: str) -> tuple[str, int]:
    """What one bench printed, which is passed on as it comes, and its exit status."""
    # Benches start processes of their own, which must find the package of this tree, installed or not.
    path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command = [sys.executable, "-m", f"benches.{name}"]
    printed = []
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            printed.append(line)
            print(line, end="", flush=True)
    return "".join(printed), child.returncode


def save(name: str, printed: str) -> None:
    """Put what a bench printed between its marks on both pages, under the date and the machine."""
    machine = f"{date.today().isoformat()}, Python {platform.python_version()}, {os.cpu_count()} cores"  # noqa: DTZ011
    told = f"<!-- bench: {name} -->\n<!-- {machine} -->\n\n{printed.strip()}\n\n<!-- end -->"
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found, times = re.subn(rf"<!-- bench: {name} -->.*?<!-- end -->", lambda _: told, text, flags=re.DOTALL)
        if times != 1:
            raise SystemExit(f"{page}: wanted one place for the bench {name}, found {times}")
        page.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
