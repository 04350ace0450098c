"""`python -m benches.peers [NAME ...]`: makes an environment for each tool that VisualDL is measured beside.

Each stands in `.peers/NAME`, apart from ours and from each other, in the versions of `versions.txt`; all of them take
about 3 GB. What stands there already in these versions is left alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence

from benches.peers.catalog import versions
from benches.peers.contract import python_of


def main() -> int:
    """Install the named tools, or all; the number of those that could not be."""
    known = versions()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all without")
    names = parser.parse_args().names or list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"there is no tool {', '.join(unknown)} to install; there are {', '.join(known)}")
    return sum(not install(name, known[name]) for name in names)


def install(name: str, packages: Sequence[str]) -> bool:
    """Make the environment of one tool, unless it is there; whether it is there now."""
    python = python_of(name)
    folder = python.parents[1]
    done, wanted = folder / "installed", " ".join(packages)
    if done.exists() and done.read_text("utf-8") == wanted:
        print(f"{name}: there already ({wanted})")
        return True
    print(f"{name}: installing {wanted}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    # Our own pins, which make sets, are not theirs.
    free = {key: value for key, value in os.environ.items() if key not in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")}
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *packages]
    if subprocess.run(command, env=free, check=False).returncode:
        print(f"{name}: pip could not install it", file=sys.stderr)
        return False
    done.write_text(wanted, "utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
