"""A program that makes one bomb and reads it: python -m torture.children.bomb FOLDER NAME SCALE [build]."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path
from subprocess import PIPE

from torture.children import bomb_logs, bomb_models, bomb_places
from torture.children.jail import Steps, confine, peak_mb, tell

BOMBS = {**bomb_places.BOMBS, **bomb_logs.BOMBS, **bomb_models.BOMBS}


def main() -> None:
    """Make it, read it, tell."""
    folder, name, scale = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    warnings.simplefilter("error")  # the owner of a server should not find warnings in its log either
    warnings.simplefilter("ignore", ResourceWarning)  # how this program itself ends
    bomb = BOMBS[name]
    place = folder / "logs"
    if len(sys.argv) > 4:
        place.mkdir()
        tell(size=bomb.build(place, scale))
        return
    # Made in a process of its own: what that takes is not the reader's.
    built = subprocess.run([sys.executable, "-m", __spec__.name, *sys.argv[1:], "build"], check=True, stdout=PIPE)
    size = json.loads(built.stdout)["size"]
    confine()
    steps = Steps(folder, seconds=3 * bomb.seconds)
    steps.at(0)
    began = time.process_time()  # not the clock on the wall: the machine may be busy
    try:
        broke = bomb.check(place)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        broke = [f"{type(error).__name__} from {Path(where.filename).name}:{where.lineno}: {str(error)[:200]}"]
    seconds = time.process_time() - began
    steps.rest()
    tell(name=name, size=size, seconds=seconds, peak_mb=peak_mb(), broke=broke[:5])


if __name__ == "__main__":
    main()
